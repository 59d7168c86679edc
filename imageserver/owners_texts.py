"""What the owner wrote, opened: the prompt library, and the language of the house that follows from it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import Executor
from functools import partial

from imageserver.clock import Clock
from imageserver.config.model import Config
from imageserver.language import Language, owners_language
from imageserver.prompts import PromptLibrary


async def open_prompts(
    config: Config, environment: Mapping[str, str], clock: Clock, executor: Executor
) -> tuple[PromptLibrary, Language]:
    """The library, and the language of the house. Raises OSError where the data folder cannot be written."""
    speaks = partial(owners_language, config.options.language, environment)
    log = logging.getLogger("imageserver.prompts")
    prompts = PromptLibrary(config.data, config.options.prompts_amount, log, clock=clock, language=speaks)

    def open_and_read() -> list[str]:
        prompts.open()
        return [prompt.text for prompt in prompts.all()]

    return prompts, speaks(await asyncio.get_running_loop().run_in_executor(executor, open_and_read))
