"""prompts.yaml as text: finding its entries with their lines, and writing it anew without touching the rest.

The owner's text is changed where it must be and nowhere else: the numbers of the entries that stay, the lines of the
entries that go, the lines of the new one. Comments on lines of their own always stay, since whether one speaks of the
entry below it or of the whole list is not ours to guess. A file in a shape that cannot be changed like that (a list
in brackets, an entry that others refer to) is written anew by ruamel's round trip, which keeps what it can.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

from attrs import frozen
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.tokens import BlockEntryToken

from imageserver.prompts.entries import LEVELS, Contents, Entry, Lines, Placed, Unreadable

# What JSON leaves bare inside quotes and YAML does not take there: C1 controls, Unicode line ends, marks of byte order.
_NEEDS_ESCAPE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


_QUOTES = '; a text that begins with "[[" needs quotes, like "[[color]] cat"'


def contents(text: str) -> Contents:
    """The items of `prompts:` in the file's order, and `global_placeholders:`; raises Unreadable."""
    try:
        return _contents(text)
    except Unreadable:
        raise
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        line = mark.line if mark else 0
        hint = _QUOTES if re.search(r"[:\-]\s+\[\[", "\n".join(text.splitlines()[max(0, line - 1) : line + 1])) else ""
        raise Unreadable(line + 1, f"not valid YAML: {' '.join(said.split())[:200]}{hint}") from None
    except ReaderError as error:
        line = Lines(text).at(error.position)
        raise Unreadable(line, "not valid YAML: a character that may not stand in the file") from None
    except Exception as error:
        # ruamel lets nearly any exception out for a broken text: bad dates, unhashable keys, nesting too deep …
        raise Unreadable(1, f"not valid YAML: {type(error).__name__}") from None


def rewrites(text: str, *, drop: int, prompt: str, negative: str | None) -> Iterator[str]:
    """Ways to write a good prompts.yaml without its `drop` oldest entries and with one more, the gentlest first.

    The caller reads each again before it trusts it.
    """
    for way in (_changed_in_place, _round_trip):
        try:
            changed = way(text, drop, prompt, negative)
        except Exception:  # noqa: S112 - a shape that this way cannot handle; ruamel names no class for it
            continue
        if changed is not None:
            yield changed


def door() -> YAML:
    """How ruamel reads and writes what the owner wrote."""
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 2**31  # never fold the owner's lines
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _contents(text: str) -> Contents:
    top = door().load(text)
    if not isinstance(top, dict) or "prompts" not in top:
        raise Unreadable(1, 'expected "prompts:" with a list of entries')
    lists = None
    if "global_placeholders" in top:
        lists = _placed(top["global_placeholders"], _line(top, "global_placeholders", 1), LEVELS)
    return Contents(_entries(top), lists)


def _entries(top: Any) -> list[Placed]:
    found = top["prompts"]
    line = _line(top, "prompts", 1)
    if found is None:  # every entry commented out
        return []
    if not isinstance(found, list):
        raise Unreadable(line, "prompts must be a list of entries")
    placed = []
    for position, item in enumerate(found):
        item_line = _line(found, position, line)
        if not isinstance(item, dict):
            placed.append(Placed(item, item_line))
            continue
        keys = {
            str(key): _placed(value, _line(item, key, item_line), LEVELS if key == "placeholders" else 0)
            for key, value in item.items()
        }
        placed.append(Placed(Entry(keys, item_line), item_line))
    return placed


def _placed(value: Any, line: int, levels: int) -> Placed:
    # The number of levels is also what ends a list that holds itself.
    if levels and isinstance(value, dict):
        members = value.items()
        return Placed({key: _placed(member, _line(value, key, line), levels - 1) for key, member in members}, line)
    if levels and isinstance(value, list):
        items = enumerate(value)
        return Placed([_placed(item, _line(value, position, line), levels - 1) for position, item in items], line)
    return Placed(value, line)


def _line(node: Any, key: object, otherwise: int) -> int:
    # Keys that come from an alias or a merge have no position of their own.
    data = getattr(getattr(node, "lc", None), "data", None)
    place = data.get(key) if isinstance(data, dict) else None
    return int(place[0]) + 1 if place else otherwise


# --- changing the text in place


@frozen(kw_only=True)
class Span:
    """Where one entry stands in the text, as offsets: its dash, the end of its last line, its number."""

    dash: int
    end: int
    idx: int
    idx_begin: int
    idx_end: int


def _changed_in_place(text: str, drop: int, prompt: str, negative: str | None) -> str | None:
    sequence = block_sequence(text)
    found = spans(text, sequence) if sequence is not None else None
    if not found:
        return None
    line_end = "\r\n" if "\r\n" in text else "\n"
    margin = text[line_begin(text, found[0].dash) : found[0].dash]
    if margin.strip(" "):
        return None  # something stands before the first dash on its line
    edits = []
    for span in found:
        if span.idx <= drop:
            edits.append(cut(text, span, line_end))
        elif drop:
            edits.append((span.idx_begin, span.idx_end, str(span.idx - drop)))
    inner = margin + "  "
    lines = [f"{margin}- idx: {len(found) - drop + 1}", f"{inner}prompt: {quoted(prompt)}"]
    if negative is not None:
        lines.append(f"{inner}negative: {quoted(negative)}")
    last = found[-1].end
    before = "" if text[:last].endswith("\n") else line_end
    edits.append((last, last, before + "".join(line + line_end for line in lines)))
    for begin, end, instead in reversed(edits):
        text = text[:begin] + instead + text[end:]
    return text


def cut(text: str, span: Span, line_end: str) -> tuple[int, int, str]:
    """What is to be taken out with an entry: from, to, and what comes in its place."""
    begin, end = line_begin(text, span.dash), span.end
    above = text[line_begin(text, begin - 1) : begin].strip()
    blank = re.compile(r"[ \t]*\r?\n").match(text, end)
    if above.startswith("#"):
        # The comment stays, but must not look as if it spoke of the next entry.
        return begin, end, "" if blank or end >= len(text) else line_end
    return begin, blank.end() if blank else end, ""


def block_sequence(text: str) -> SequenceNode | None:
    """The list of entries, where each stands on lines of its own."""
    top = door().compose(text)
    if not isinstance(top, MappingNode):
        return None
    for key, value in top.value:
        if key.value == "prompts" and isinstance(value, SequenceNode) and not value.flow_style:
            return value
    return None


def spans(text: str, sequence: SequenceNode) -> list[Span] | None:
    """Where each entry of the list stands, in the file's order."""
    begin, end = sequence.start_mark.index, sequence.end_mark.index
    tokens = [token for token in door().scan(text) if begin <= token.start_mark.index < end]
    column = sequence.start_mark.column
    dashes = [
        position
        for position, token in enumerate(tokens)
        if isinstance(token, BlockEntryToken) and token.start_mark.column == column
    ]
    if len(dashes) != len(sequence.value):
        return None
    found = []
    for node, first, after in zip(sequence.value, dashes, [*dashes[1:], len(tokens)], strict=True):
        number = _number(node)
        if number is None:
            return None
        last = max(
            token.end_mark.index for token in tokens[first:after] if token.end_mark.index > token.start_mark.index
        )
        found.append(
            Span(
                dash=tokens[first].start_mark.index,
                end=line_after(text, len(text[:last].rstrip())),
                idx=int(number.value),
                idx_begin=number.start_mark.index,
                idx_end=number.end_mark.index,
            )
        )
    return found


def _number(node: object) -> ScalarNode | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == "idx" and isinstance(value, ScalarNode) and value.value.isdecimal():
                return value
    return None


def line_begin(text: str, place: int) -> int:
    """Where the line of a place begins."""
    return text.rfind("\n", 0, max(place, 0)) + 1


def line_after(text: str, place: int) -> int:
    """Where the line after a place begins."""
    end = text.find("\n", place)
    return len(text) if end < 0 else end + 1


def quoted(text: str) -> str:
    """A double-quoted scalar on one line: JSON's quoting, with the few characters escaped that YAML does not take."""
    return _NEEDS_ESCAPE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


# --- writing it anew


def _round_trip(text: str, drop: int, prompt: str, negative: str | None) -> str:
    round_trip = door()
    top = round_trip.load(text)
    found = top["prompts"]
    if found is None:
        found = top["prompts"] = []
    for position in reversed(range(len(found))):
        if found[position]["idx"] <= drop:
            del found[position]
        elif drop:
            found[position]["idx"] = int(found[position]["idx"]) - drop
    new: dict[str, object] = {"idx": len(found) + 1, "prompt": prompt}
    if negative is not None:
        new["negative"] = negative
    found.append(new)
    written = io.StringIO()
    round_trip.dump(top, written)
    return written.getvalue()
