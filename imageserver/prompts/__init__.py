"""The prompt library: prompts.yaml or prompts.json in the data folder, shared with the owner's text editor."""

from imageserver.prompts.library import PromptLibrary
from imageserver.prompts.reading import Prompt

__all__ = ["Prompt", "PromptLibrary"]
