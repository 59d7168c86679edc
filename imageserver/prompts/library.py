"""The prompt library as the server sees it: draw one, add one, notice what the owner changes."""

from __future__ import annotations

import hashlib
import logging
import random
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from attrs import evolve, field, frozen

from imageserver.clock import Clock, SystemClock, local_time
from imageserver.errors import Problem, PromptRefused
from imageserver.language import Language, owners_language
from imageserver.prompts import example, file, json_text, moments, source, yaml_text
from imageserver.prompts.drawing import drawn
from imageserver.prompts.edits import Edit, with_edit
from imageserver.prompts.elsewhere import lists_for_all, wrong_placeholders
from imageserver.prompts.lastgood import LastGood
from imageserver.prompts.reading import Prompt, Reading, is_yaml, read_text
from imageserver.prompts.template_check import unfit, unknown
from imageserver.prompts.templates import Lists, Measure
from imageserver.prompts.texts import why_no_text

_FIRST = '{\n  "prompts": [\n    {\n      "idx": 1,\n      "prompt": "test"\n    }\n  ]\n}\n'
_BY_PROMPTS = partial(owners_language, "auto", {})  # where nobody says otherwise
_FALLBACK = Reading(prompts=(Prompt(text="test", idx=1),))
_TOLD_AT_ONCE = 20  # problems of one edit in the log
_ATTEMPTS = 3  # to write between two edits of the owner


@frozen(kw_only=True)
class _Seen:
    """One look at the disk: the file that counts, what it was at that moment, and what it said."""

    path: Path
    signature: file.Signature | None
    text: str = field(repr=False)
    reading: Reading

    @property
    def version(self) -> str:
        """Another one for another text."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@frozen(kw_only=True)
class Standing:
    """The library at one moment."""

    file: str
    version: str  # of the file as it is now, also where it is broken
    prompts: tuple[Prompt, ...]  # in use
    problems: tuple[Problem, ...]


class PromptLibrary:
    """The prompts in `folder`, at most `amount` of them after an addition. Every call may come from any thread.

    All calls read the disk when the file has changed, and only then: call them in a thread.
    """

    def __init__(
        self,
        folder: Path,
        amount: int,
        log: logging.Logger,
        *,
        clock: Clock | None = None,
        language: Callable[[Iterable[str]], Language] = _BY_PROMPTS,
    ) -> None:
        """`language` gets the texts of all prompts and says which language the owner reads.

        The clock and the language are for [[season]] and its like.
        """
        if amount < 1:
            raise ValueError("a library holds at least one prompt")
        self._folder = folder
        self.amount = amount  # how many prompts it holds at most after an addition
        self._log = log
        self._clock = clock or SystemClock()
        self._language_of = language
        self._lock = threading.Lock()
        self._last_good = LastGood(folder, log)
        self._seen: _Seen | None = None
        self._good: Reading | None = None  # until a good file or a good copy was read
        self._language: Language = "en"

    def open(self) -> None:
        """Read the library for the first time; write prompts.json with the prompt `test` when there is no file.

        A file that is broken is left alone: the last good copy is used, or `test`. Raises OSError where the folder
        cannot be written.
        """
        with self._lock:
            for name in source.NAMES:
                file.sweep(self._folder / name)
            self._last_good.sweep()
            if source.find(self._folder) is None:
                file.write(self._folder / "prompts.json", _FIRST)
            self._look()
            example.put(self._folder, self._language, self._log)

    def draw(self, random: random.Random) -> Prompt:
        """One prompt, each as likely as the others, with its placeholders replaced.

        `test` when the owner has emptied the library.
        """
        with self._lock:
            good = self._in_use()
            return drawn(random.choice(good.prompts or _FALLBACK.prompts), self._lists(good), random)

    def expand(self, text: str, random: random.Random, negative: str | None = None) -> Prompt:
        """A prompt from elsewhere with the placeholders replaced that the library has lists for. Its idx is 0.

        The library's own prompt with this very text lends its lists and translations. What there is no list for stays
        as it is written; so does a whole text that would come out empty or too long.
        """
        with self._lock:
            good = self._in_use()
            written = Prompt(text=text, negative=negative, idx=0)
            known = next((prompt for prompt in good.prompts if prompt.text == text), written)
            lists = self._lists(good)
            measure = Measure({**lists, **known.placeholders})
            if unfit(text, measure) or unfit(negative or "", measure, may_be_empty=True):
                return written
            return drawn(evolve(known, negative=negative, idx=0), lists, random)

    def missing(self, text: str) -> list[str]:
        """Sentences about what is wrong with the placeholders of a text from elsewhere; empty when they are right."""
        with self._lock:
            return wrong_placeholders(text, self._in_use())

    def all(self) -> tuple[Prompt, ...]:
        """The prompts in use, from the oldest to the newest, with their placeholders as they are written."""
        with self._lock:
            return self._in_use().prompts

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the file as it is now, each with file:line; empty when it is good."""
        with self._lock:
            return list(self._look().reading.problems)

    def add(self, text: str, negative: str | None = None) -> Prompt:
        """Append a prompt and write the file; above the amount the oldest go. White space around texts goes too.

        Raises PromptRefused with the refusal `empty`, `duplicate`, `unfit` (too long, or no text),
        `missing_placeholder` (no list in the file for one) or `broken_library` (the owner's file is broken or cannot
        be written).
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

    def standing(self) -> Standing:
        """The prompts in use, and the file behind them."""
        with self._lock:
            good = self._in_use()
            seen = self._look()
            return Standing(
                file=seen.path.name, version=seen.version, prompts=good.prompts, problems=seen.reading.problems
            )

    def edit(self, version: str, edit: Edit) -> Standing:
        """Change one entry, if the file is still the one that `version` tells of. Comments stay where they are.

        Raises PromptRefused as `add` does, with `changed` when somebody changed the file meanwhile, and with
        `not_found` for an entry that is not there.
        """
        if edit.text is not None:
            edit = evolve(edit, text=edit.text.strip(), negative=(edit.negative or "").strip() or None)
            if not edit.text:
                raise PromptRefused("empty", "the prompt is empty")
        with self._lock:
            seen = self._look()
            if seen.reading.problems:
                raise PromptRefused("broken_library", f"{seen.reading.problems[0]}: correct the file first")
            old = seen.reading.prompts
            if version != seen.version:
                raise PromptRefused("changed", f"{seen.path.name} was changed meanwhile: look at it again")
            if not 1 <= edit.idx <= len(old) or not 0 <= (edit.to or 0) <= len(old):
                raise PromptRefused("not_found", f"the library holds {len(old)} prompts, counted from 1")
            written = with_edit(seen.text, seen.path.name, seen.reading, edit)
            if file.signature(seen.path) != seen.signature:
                raise PromptRefused("changed", f"{seen.path.name} was changed meanwhile: look at it again")
            self._write(seen.path, written)
        return self.standing()

    def _after(self, seen: _Seen, text: str, negative: str | None) -> tuple[Prompt, ...]:
        """What the library holds once the prompt is in it."""
        if seen.reading.problems:
            raise PromptRefused("broken_library", f"{seen.reading.problems[0]}: correct the file first")
        _refuse_bad_templates(seen.reading, text, negative)
        old = seen.reading.prompts
        for prompt in old:
            if (prompt.text, prompt.negative) == (text, negative):
                raise PromptRefused("duplicate", f"the library holds this prompt already: idx {prompt.idx}")
        drop = max(0, len(old) + 1 - self.amount)
        new = Prompt(text=text, negative=negative, idx=len(old) - drop + 1)
        return (*(evolve(prompt, idx=prompt.idx - drop) for prompt in old[drop:]), new)

    def _in_use(self) -> Reading:
        """The newest reading without problems."""
        self._look()
        return _FALLBACK if self._good is None else self._good

    def _lists(self, reading: Reading) -> Lists:
        """The lists for all prompts, at this moment."""
        return {**moments.now(local_time(self._clock), self._language), **reading.placeholders}

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
        path = source.find(self._folder)
        if path is None:
            # Some editors take the old file away before they put the new one there.
            path = self._seen.path if self._seen else self._folder / source.NAMES[-1]
        signature = file.signature(path)
        seen = self._seen
        if seen is not None and (seen.path, seen.signature) == (path, signature):
            return seen
        text, reading = source.read(path)
        seen = self._seen = _Seen(path=path, signature=signature, text=text, reading=reading)
        if reading.problems:
            if self._good is None:
                self._good = self._last_good.read()
            self._tell(reading.problems)
        else:
            self._good = reading
            self._log.info("%s: prompts: %d", path.name, len(reading.prompts))
            self._last_good.keep(path.name, text)
        self._language = self._language_of(prompt.text for prompt in (self._good or _FALLBACK).prompts)
        return seen

    def _tell(self, problems: tuple[Problem, ...]) -> None:
        for problem in problems[:_TOLD_AT_ONCE]:
            self._log.error("%s", problem)
        if len(problems) > _TOLD_AT_ONCE:
            self._log.error("… and %d problems more", len(problems) - _TOLD_AT_ONCE)
        good = self._good
        in_use = "the prompt `test` is" if good is None else f"the {len(good.prompts)} good ones are"
        self._log.error("the prompts are not read until that is corrected; %s used meanwhile", in_use)


def _refuse_bad_templates(reading: Reading, text: str, negative: str | None) -> None:
    scope = lists_for_all(reading)
    for name, value in (("prompt", text), ("negative", negative or "")):
        for sentence in unknown(value, scope):
            raise PromptRefused("missing_placeholder", f"{name}: {sentence}")
        for sentence in unfit(value, Measure(scope), may_be_empty=name == "negative"):
            raise PromptRefused("unfit", f"{name} {sentence}")


def _rewritten(seen: _Seen, prompts: tuple[Prompt, ...]) -> str:
    """The file's text with exactly these prompts: the kept ones and, last, the new one."""
    new, drop = prompts[-1], len(seen.reading.prompts) + 1 - len(prompts)
    if not is_yaml(seen.path.name):
        return json_text.rewritten(seen.text, drop=drop, prompt=new.text, negative=new.negative)
    for written in yaml_text.rewrites(seen.text, drop=drop, prompt=new.text, negative=new.negative):
        if read_text(written, seen.path.name) == evolve(seen.reading, prompts=prompts):
            return written
    raise PromptRefused("broken_library", f"{seen.path.name} has a shape that cannot be added to: add it by hand")
