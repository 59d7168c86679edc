"""`imageserver prompts`: what the prompts file holds and what its templates can become. Writes nothing."""

from __future__ import annotations

import os
import random
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from attrs import frozen

from imageserver.clock import SystemClock, local_time
from imageserver.config import reader
from imageserver.config.folders import data_folder
from imageserver.errors import ConfigError, Problem
from imageserver.language import owners_language
from imageserver.prompts import Prompt, moments, source
from imageserver.prompts.drawing import drawn
from imageserver.prompts.template_check import uses
from imageserver.prompts.templates import Lists, Measure, inside

_WIDTH = 79  # columns, of the 80 that every terminal has
_MOST_DIGITS = 30  # of a number that is still read digit by digit
_data = click.option(
    "--data", metavar="DIR", help="The data folder. Otherwise IMAGESERVER_DATA, else var/data.", type=click.Path()
)


@frozen(kw_only=True)
class _Library:
    """A prompts file without problems."""

    path: Path
    prompts: tuple[Prompt, ...]
    common: Lists  # global_placeholders
    scope: Lists  # the same, and the four that need no list

    def combinations(self, prompt: Prompt) -> int:
        """Of the prompt's text with its negative."""
        measure = Measure({**self.scope, **prompt.placeholders})
        return measure.count(prompt.text) * measure.count(prompt.negative or "")

    def unused(self) -> Iterator[str]:
        """A sentence for each list that nothing is ever drawn from."""
        used: set[str] = set()
        for prompt in self.prompts:
            texts = (prompt.text, prompt.negative or "", *prompt.translations.values())
            scope = {**self.scope, **prompt.placeholders}
            reached = uses(scope, (name for text in texts for name in inside(text)))
            used.update(name for name in reached if name not in prompt.placeholders)
            for name in prompt.placeholders:
                if name not in reached:
                    yield f"prompt {prompt.idx}: its own list {name} is not used"
        for name in self.common:
            if name not in used:
                yield f"global_placeholders: the list {name} is not used"


@click.group("prompts")
def prompts_command() -> None:
    """Look at the prompts file: what it holds, what its templates become."""


@prompts_command.command("list")
@_data
def list_prompts(data: str | None) -> None:
    """List the prompts, oldest first, with the number of their combinations."""
    library = _open(data)
    rows = [(str(prompt.idx), _number(library.combinations(prompt)), prompt.text) for prompt in library.prompts]
    head = ("IDX", "COMBINATIONS", "PROMPT")
    first, second = (max(len(row[column]) for row in (head, *rows)) for column in (0, 1))
    for idx, combinations, text in (head, *rows):
        _tell(text, f"{idx:>{first}}  {combinations:>{second}}  ")


@prompts_command.command("try")
@_data
@click.option("--count", default=10, show_default=True, type=click.IntRange(1, 1000), help="Draws of each template.")
@click.option("--seed", type=int, help="Draw the same every time.")
def try_prompts(data: str | None, count: int, seed: int | None) -> None:
    """Draw from each template, and count its combinations."""
    library = _open(data)
    chance = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - pictures, no secrets
    templates = [prompt for prompt in library.prompts if inside(prompt.text) or inside(prompt.negative or "")]
    number = len(library.prompts)
    click.echo(f"{library.path.name}: {number} prompt{'s' * (number != 1)}, {len(templates)} with placeholders")
    for prompt in templates:
        click.echo()
        _show(library, prompt, [drawn(prompt, library.scope, chance) for _ in range(count)])
    unused = list(library.unused())
    if unused:
        click.echo()
        for sentence in unused:
            click.echo(f"warning: {sentence}")


def _show(library: _Library, prompt: Prompt, draws: Iterable[Prompt]) -> None:
    margin = f"{prompt.idx}  "
    indent = " " * len(margin)
    combinations = library.combinations(prompt)
    _tell(prompt.text, margin)
    if prompt.negative:
        _tell(prompt.negative, f"{indent}not: ")
    click.echo(f"{indent}{_number(combinations)} combination{'s' * (combinations != 1)}")
    for draw in draws:
        _tell(draw.text, f"{indent}- ")
        if draw.negative and draw.negative != prompt.negative:
            _tell(draw.negative, f"{indent}  not: ")


def _tell(text: str, margin: str) -> None:
    """A text on as many lines as it needs, each within the width, behind a margin on the first."""
    lines = textwrap.wrap(text, _WIDTH, initial_indent=margin, subsequent_indent=" " * len(margin))
    click.echo("\n".join(lines) or margin)


def _number(value: int) -> str:
    """A number as people read it; one that nobody reads to its end, as a power of ten."""
    if value < 10**_MOST_DIGITS:
        return f"{value:,}".replace(",", " ")
    return f"at least 10^{(value.bit_length() - 1) * 30102 // 100000}"  # log10(2), a little less than it is


def _open(data: str | None) -> _Library:
    """The library in the data folder. Raises ConfigError with every problem of the file."""
    folder = data_folder(data, os.environ)
    moment = local_time(SystemClock())
    # What is wrong with the options is for `imageserver check` to say.
    config, _ = reader.read(folder, flags={}, environment=os.environ, now=moment)
    path = source.find(folder)
    if path is None:
        raise ConfigError([Problem(str(folder), f"there is no {' or '.join(source.NAMES)}")])
    _, reading = source.read(path)
    if reading.problems:
        raise ConfigError(list(reading.problems))
    language = owners_language(config.options.language, os.environ, (prompt.text for prompt in reading.prompts))
    return _Library(
        path=path,
        prompts=reading.prompts,
        common=reading.placeholders,
        scope={**moments.now(moment, language), **reading.placeholders},
    )
