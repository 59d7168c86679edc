"""Changes to a prompts file that the owner makes on the page: one entry changed, removed, or moved to another age."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from attrs import evolve, frozen
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from imageserver.errors import PromptRefused
from imageserver.prompts.reading import Prompt, Reading, is_yaml, read_text
from imageserver.prompts.yaml_text import block_sequence, cut, door, line_after, line_begin, quoted, spans


@frozen(kw_only=True)
class Edit:
    """What is to become of the entry `idx`. With `text` its words are these; `to` is its new number, 0: it goes."""

    idx: int
    text: str | None = None
    negative: str | None = None  # counts with `text` only
    to: int | None = None

    def number(self, idx: int) -> int | None:
        """The number of an entry afterwards; None for the one that goes."""
        if self.to is None:
            return idx
        if idx == self.idx:
            return self.to or None
        after = idx - (idx > self.idx)
        return after + (bool(self.to) and after >= self.to)

    def applied(self, prompts: tuple[Prompt, ...]) -> tuple[Prompt, ...]:
        """The library afterwards."""
        after = []
        for prompt in prompts:
            number = self.number(prompt.idx)
            if number is None:
                continue
            if prompt.idx == self.idx and self.text is not None:
                prompt = evolve(prompt, text=self.text, negative=self.negative)  # noqa: PLW2901 - the same entry
            after.append(evolve(prompt, idx=number))
        return tuple(sorted(after, key=lambda prompt: prompt.idx))


def with_edit(text: str, name: str, reading: Reading, edit: Edit) -> str:
    """The text of the good prompts file `name` with an edit; what it says afterwards is proved by reading it again.

    Raises PromptRefused: `duplicate`, `unfit` for words that cannot stand there, `broken_library` for a file in a
    shape that cannot be changed.
    """
    wanted = evolve(reading, prompts=edit.applied(reading.prompts))
    if edit.text is not None:
        words = {(prompt.text, prompt.negative) for prompt in wanted.prompts}
        if len(words) < len(wanted.prompts):
            raise PromptRefused("duplicate", "the library holds this prompt already")
    for written in _ways(text, name, edit):
        found = read_text(written, name)
        if found == wanted:
            return written
        if edit.text is not None and found.problems:
            raise PromptRefused("unfit", found.problems[0].message)
    raise PromptRefused("broken_library", f"{name} has a shape that cannot be changed here: do it by hand")


def _ways(text: str, name: str, edit: Edit) -> Iterator[str]:
    """Ways to write the file, the gentlest first."""
    for way in (_in_place, _round_trip) if is_yaml(name) else (_as_json,):
        try:
            changed = way(text, edit)
        except Exception:  # noqa: S112 - a shape that this way cannot handle; ruamel names no class for it
            continue
        if changed is not None:
            yield changed


def _in_place(text: str, edit: Edit) -> str | None:
    sequence = block_sequence(text)
    found = spans(text, sequence) if sequence is not None else None
    if sequence is None or not found:
        return None
    line_end = "\r\n" if "\r\n" in text else "\n"
    changes = []
    for span, node in zip(found, sequence.value, strict=True):
        number = edit.number(span.idx)
        if number is None:
            changes.append(cut(text, span, line_end))
            continue
        if number != span.idx:
            changes.append((span.idx_begin, span.idx_end, str(number)))
        if span.idx == edit.idx and edit.text is not None:
            changes += _words(text, node, edit, line_end)
    for begin, end, instead in sorted(changes, reverse=True):
        text = text[:begin] + instead + text[end:]
    return text


def _words(text: str, entry: Node, edit: Edit, line_end: str) -> list[tuple[int, int, str]]:
    assert isinstance(entry, MappingNode)
    members = {key.value: (key, value) for key, value in entry.value}
    key, prompt = members["prompt"]
    changes = []
    if prompt.value.strip() != edit.text:
        changes.append(_value(text, prompt, edit.text or ""))
    if "negative" not in members:
        if edit.negative is not None:
            after = line_after(text, _end(text, prompt))
            before = "" if text[:after].endswith("\n") else line_end
            line = f"{before}{' ' * key.start_mark.column}negative: {quoted(edit.negative)}{line_end}"
            changes.append((after, after, line))
        return changes
    key, negative = members["negative"]
    if edit.negative is None:
        changes.append((line_begin(text, key.start_mark.index), line_after(text, _end(text, negative)), ""))
    elif negative.value.strip() != edit.negative:
        changes.append(_value(text, negative, edit.negative))
    return changes


def _value(text: str, node: ScalarNode, words: str) -> tuple[int, int, str]:
    return node.start_mark.index, _end(text, node), quoted(words)


def _end(text: str, node: ScalarNode) -> int:
    """Where a value ends; one on lines of its own goes on to the next token by its mark."""
    begin, end = node.start_mark.index, node.end_mark.index
    value: str = text[begin:end]
    return int(begin) + len(value.rstrip())


def _round_trip(text: str, edit: Edit) -> str:
    yaml = door()
    top = yaml.load(text)
    _change(top["prompts"], edit)
    written = io.StringIO()
    yaml.dump(top, written)
    return written.getvalue()


def _as_json(text: str, edit: Edit) -> str:
    top = json.loads(text)
    _change(top["prompts"], edit)
    return json.dumps(top, ensure_ascii=False, indent=2) + "\n"


def _change(entries: list[Any], edit: Edit) -> None:
    for position in reversed(range(len(entries))):
        entry = entries[position]
        number = edit.number(int(entry["idx"]))
        if number is None:
            del entries[position]
            continue
        if entry["idx"] == edit.idx and edit.text is not None:
            entry["prompt"] = edit.text
            entry.pop("negative", None)
            if edit.negative is not None:
                entry["negative"] = edit.negative
        entry["idx"] = number
