"""The prompt library: prompts.yaml or prompts.json in the data folder, shared with the owner's text editor."""

from imageserver.prompts.edits import Edit
from imageserver.prompts.elsewhere import check_prompts
from imageserver.prompts.library import PromptLibrary, Standing
from imageserver.prompts.reading import Prompt

__all__ = ["Edit", "Prompt", "PromptLibrary", "Standing", "check_prompts"]
