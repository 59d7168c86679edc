"""The prompt library as the server sees it: draw one, add one, notice what the owner changes."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Mapping
from pathlib import Path

from attrs import evolve, field, frozen

from imageserver.errors import Problem, PromptRefused
from imageserver.prompts import file, json_text, yaml_text
from imageserver.prompts.lastgood import LastGood
from imageserver.prompts.reading import Prompt, Reading, is_yaml, read_text, unreadable, why_no_text

NAMES = ("prompts.yaml", "prompts.json")  # the first that exists wins
_FIRST = '{\n  "prompts": [\n    {\n      "idx": 1,\n      "prompt": "test"\n    }\n  ]\n}\n'
_FALLBACK: tuple[Prompt, ...] = (Prompt(text="test", idx=1),)
_TOLD_AT_ONCE = 20  # problems of one edit in the log
_ATTEMPTS = 3  # to write between two edits of the owner


@frozen(kw_only=True)
class _Seen:
    """One look at the disk: the file that counts, what it was at that moment, and what it said."""

    path: Path
    signature: file.Signature | None
    text: str = field(repr=False)
    reading: Reading


class PromptLibrary:
    """The prompts in `folder`, at most `amount` of them after an addition. Every call may come from any thread.

    All calls read the disk when the file has changed, and only then: call them in a thread.
    """

    def __init__(self, folder: Path, amount: int, log: logging.Logger) -> None:
        if amount < 1:
            raise ValueError("a library holds at least one prompt")
        self._folder = folder
        self._amount = amount
        self._log = log
        self._lock = threading.Lock()
        self._last_good = LastGood(folder, log)
        self._seen: _Seen | None = None
        self._prompts: tuple[Prompt, ...] | None = None  # None until a good file or a good copy was read

    def open(self) -> None:
        """Read the library for the first time; write prompts.json with the prompt `test` when there is no file.

        A file that is broken is left alone: the last good copy is used, or `test`. Raises OSError where the folder
        cannot be written.
        """
        with self._lock:
            for name in NAMES:
                file.sweep(self._folder / name)
            self._last_good.sweep()
            if not any(file.exists(self._folder / name) for name in NAMES):
                file.write(self._folder / "prompts.json", _FIRST)
            self._look()

    def draw(self, random: random.Random) -> Prompt:
        """One prompt, each as likely as the others. `test` when the owner has emptied the library."""
        with self._lock:
            self._look()
            return random.choice(self._prompts or _FALLBACK)

    def all(self) -> tuple[Prompt, ...]:
        """The prompts in use, from the oldest to the newest."""
        with self._lock:
            self._look()
            return _FALLBACK if self._prompts is None else self._prompts

    def translations(self, text: str) -> Mapping[str, str]:
        """The prompt with this text in other languages, as far as the library has them."""
        found = next((prompt for prompt in self.all() if prompt.text == text), None)
        return found.translations if found else {}

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the file as it is now, each with file:line; empty when it is good."""
        with self._lock:
            return list(self._look().reading.problems)

    def add(self, text: str, negative: str | None = None) -> Prompt:
        """Append a prompt and write the file; above the amount the oldest go. White space around texts goes too.

        Raises PromptRefused with the refusal `empty`, `duplicate`, `unfit` (too long, or no text) or
        `broken_library` (the owner's file is broken or cannot be written).
        """
        text, negative = text.strip(), (negative or "").strip() or None
        if not text:
            raise PromptRefused("empty", "the prompt is empty")
        for name, value in (("prompt", text), ("negative", negative)):
            wrong = why_no_text(value or "")
            if wrong:
                raise PromptRefused("unfit", f"{name} {wrong}")
        with self._lock:
            for _ in range(_ATTEMPTS):
                seen = self._look()
                prompts = self._after(seen, text, negative)
                written = _rewritten(seen, prompts)
                if file.signature(seen.path) == seen.signature:
                    self._write(seen.path, written)
                    return prompts[-1]
            raise PromptRefused("broken_library", "the prompts file is being changed at this moment")

    def _after(self, seen: _Seen, text: str, negative: str | None) -> tuple[Prompt, ...]:
        """What the library holds once the prompt is in it."""
        if seen.reading.problems:
            raise PromptRefused("broken_library", f"{seen.reading.problems[0]}: correct the file first")
        old = seen.reading.prompts
        for prompt in old:
            if (prompt.text, prompt.negative) == (text, negative):
                raise PromptRefused("duplicate", f"the library holds this prompt already: idx {prompt.idx}")
        drop = max(0, len(old) + 1 - self._amount)
        new = Prompt(text=text, negative=negative, idx=len(old) - drop + 1)
        return (*(evolve(prompt, idx=prompt.idx - drop) for prompt in old[drop:]), new)

    def _write(self, path: Path, text: str) -> None:
        try:
            file.write(path, text)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            self._log.error("%s cannot be written: %s", path, why)
            raise PromptRefused("broken_library", f"{path.name} cannot be written: {why}") from error
        self._look()

    def _look(self) -> _Seen:
        """Read the file if it is not the one last seen; what is good comes into use."""
        path = next((self._folder / name for name in NAMES if file.exists(self._folder / name)), None)
        if path is None:
            # Some editors take the old file away before they put the new one there.
            path = self._seen.path if self._seen else self._folder / NAMES[-1]
        signature = file.signature(path)
        seen = self._seen
        if seen is not None and (seen.path, seen.signature) == (path, signature):
            return seen
        text, reading = _read(path)
        seen = self._seen = _Seen(path=path, signature=signature, text=text, reading=reading)
        if reading.problems:
            if self._prompts is None:
                self._prompts = self._last_good.read()
            self._tell(reading.problems)
        else:
            self._prompts = reading.prompts
            self._log.info("%s: prompts: %d", path.name, len(reading.prompts))
            self._last_good.keep(path.name, text)
        return seen

    def _tell(self, problems: tuple[Problem, ...]) -> None:
        for problem in problems[:_TOLD_AT_ONCE]:
            self._log.error("%s", problem)
        if len(problems) > _TOLD_AT_ONCE:
            self._log.error("… and %d problems more", len(problems) - _TOLD_AT_ONCE)
        in_use = "the prompt `test` is" if self._prompts is None else f"the {len(self._prompts)} good ones are"
        self._log.error("the prompts are not read until that is corrected; %s used meanwhile", in_use)


def _read(path: Path) -> tuple[str, Reading]:
    try:
        text = file.read(path)
    except OSError as error:
        return "", unreadable(path.name, 1, f"cannot be read: {error.strerror or error}")
    except file.NotText as error:
        return "", unreadable(path.name, error.line, str(error))
    return text, read_text(text, path.name)


def _rewritten(seen: _Seen, prompts: tuple[Prompt, ...]) -> str:
    """The file's text with exactly these prompts: the kept ones and, last, the new one."""
    new, drop = prompts[-1], len(seen.reading.prompts) + 1 - len(prompts)
    if not is_yaml(seen.path.name):
        return json_text.rewritten(seen.text, drop=drop, prompt=new.text, negative=new.negative)
    for written in yaml_text.rewrites(seen.text, drop=drop, prompt=new.text, negative=new.negative):
        if read_text(written, seen.path.name).prompts == prompts:
            return written
    raise PromptRefused("broken_library", f"{seen.path.name} has a shape that cannot be added to: add it by hand")
