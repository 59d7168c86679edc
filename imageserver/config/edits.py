"""One key of the options file changed, and nothing else: its comments, order, quotes and unknown lines stay.

The text is changed where it must be: the value of a key, or one more line. A file in a shape that cannot be changed
like that (an alias, a comma at the end of a list) is written anew by ruamel's round trip, which keeps what it can.
Whether the text says what was wanted afterwards, and else what it said before, is proved by reading it again.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

from attrs import frozen
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode

from imageserver.config.quoting import needs_no_quotes
from imageserver.config.reader import parse
from imageserver.config.values import Items, Node, Pairs
from imageserver.errors import OptionsRefused

_NOTHING = ("nothing",)  # a key with nothing behind it, and a mapping without keys
# What JSON leaves bare inside quotes and YAML does not take there.
_NEEDS_ESCAPE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@frozen(kw_only=True)
class Change:
    """What becomes of one key. Without a value the key goes; with `name` it is called so from now on."""

    path: tuple[str, ...]
    value: Node | None = None
    name: str | None = None


def with_change(text: str, file: str, change: Change) -> str:
    """The text of the good options file `file` with a change. Raises OptionsRefused where its shape forbids it."""
    before, _ = parse(text.encode(), file)
    wanted = _changed(_plain(before), change.path, change)
    for way in (_in_place, _round_trip):
        try:
            written = way(text, change)
            after, problems = parse(written.encode(), file)
        except Exception:  # noqa: S112 - a shape that this way cannot handle; ruamel names no class for it
            continue
        if not problems and _plain(after) == wanted:
            return written
    name = ".".join(change.path)
    raise OptionsRefused("shape", f"{file} has a shape in which {name} cannot be changed here: do it by hand")


# --- what a text says


def _plain(node: Node | None) -> Any:
    """A tree without positions, to be compared."""
    if isinstance(node, Items):
        return ("items", [_plain(item) for item in node.items])
    if isinstance(node, Pairs):
        return ("pairs", [(key.text, _plain(value)) for key, value in node.pairs]) if node.pairs else _NOTHING
    if node is None or (node.kind == "null" and not node.text):
        return _NOTHING
    return (node.kind, node.text)


def _changed(tree: Any, path: tuple[str, ...], change: Change) -> Any:
    """The same tree with the change."""
    pairs = list(tree[1]) if tree[0] == "pairs" else []
    place = next((number for number, (key, _) in enumerate(pairs) if key == path[0]), None)
    if path[1:]:
        inner = _changed(_NOTHING if place is None else pairs[place][1], path[1:], change)
        new = (path[0], inner)
    elif change.name is not None and place is not None:
        new = (change.name, pairs[place][1])
    elif change.value is not None:
        new = (path[0], _plain(change.value))
    else:
        kept = [pair for pair in pairs if pair[0] != path[0]]
        return ("pairs", kept) if kept else _NOTHING
    if place is not None:
        pairs[place] = new
    elif new[1] != _NOTHING or change.value is not None:
        pairs.append(new)
    return ("pairs", pairs) if pairs else _NOTHING


# --- changing it in place


def _door() -> YAML:
    yaml = YAML(typ="rt")
    yaml.composer.warn_double_anchors = False
    yaml.preserve_quotes = True
    yaml.width = 2**16
    return yaml


def _in_place(text: str, change: Change) -> str:
    node = _door().compose(text)
    line_end = "\r\n" if "\r\n" in text else "\n"
    if not isinstance(node, MappingNode):
        return text if change.value is None else _after(text, len(text), _lines(change, 0, 0), line_end)
    key: Any = None
    parent = node
    for depth, name in enumerate(change.path):
        if not isinstance(node, MappingNode):
            return text if change.value is None else _put_under(text, key, node, change, depth, line_end)
        pair = next(((key, value) for key, value in node.value if key.value == name), None)
        if pair is None:
            return text if change.value is None else _put_into(text, node, change, depth, line_end)
        parent, (key, node) = node, pair
    if change.name is not None:
        return text[: key.start_mark.index] + _text(change.name) + text[key.end_mark.index :]
    if change.value is None:
        return _without(text, parent, key, node, line_end)
    return _replaced(text, key, node, _flow(change.value), line_end)


def _put_into(text: str, parent: MappingNode, change: Change, depth: int, line_end: str) -> str:
    """One more key in a mapping that is there."""
    assert change.value is not None
    if parent.flow_style:
        said = _flow_pairs(change.path[depth:], change.value)
        if not parent.value:
            begin = parent.end_mark.index - 1
            return text[:begin] + said + text[begin:]
        key, value = parent.value[-1]
        last = _end(text, value) if value.end_mark.index > value.start_mark.index else key.end_mark.index
        return f"{text[:last]}, {said}{text[last:]}"
    column = parent.value[0][0].start_mark.column
    return _after(text, _last_token(text, parent), _lines(change, depth, column), line_end)


def _put_under(text: str, key: Any, node: Any, change: Change, depth: int, line_end: str) -> str:
    """The first key under one with nothing behind it."""
    assert change.value is not None
    if node.start_mark.index == node.end_mark.index:
        lines = _lines(change, depth, key.start_mark.column + 2)
        return _after(text, key.end_mark.index, lines, line_end)
    said = _flow_pairs(change.path[depth:], change.value)
    return _replaced(text, key, node, f"{{{said}}}", line_end)


def _after(text: str, place: int, lines: list[str], line_end: str) -> str:
    """Lines after the line of a place."""
    end = _line_after(text, place)
    before = "" if not end or text[:end].endswith("\n") else line_end
    return text[:end] + before + "".join(line + line_end for line in lines) + text[end:]


def _replaced(text: str, key: Any, node: Any, said: str, line_end: str) -> str:
    begin, end = node.start_mark.index, _end(text, node)
    if begin == end:  # the mark of nothing may be at the next token
        begin = end = text.index(":", key.end_mark.index) + 1
    if isinstance(node, ScalarNode) or node.flow_style:
        gap = " " if text[begin - 1] == ":" else ""
        written = text[:begin] + gap + said + text[end:]
        lost = [" " * key.start_mark.column + comment for comment in _comments(text, begin, end)]
        return _after(written, begin, lost, line_end) if lost else written
    # A value on lines of its own becomes one on the key's line; the comments between stay.
    colon = text.index(":", key.end_mark.index) + 1
    first, last = _line_after(text, colon), _line_after(text, _last_token(text, node))
    rest = text[colon:first].rstrip()
    comments = "".join(" " * key.start_mark.column + comment + line_end for comment in _comments(text, first, last))
    return f"{text[:colon]} {said}{rest}{line_end}{comments}{text[last:]}"


def _without(text: str, parent: MappingNode, key: Any, node: Any, line_end: str) -> str:
    begin, end = key.start_mark.index, _end(text, node)
    if node.start_mark.index == end:  # nothing stands there
        end = key.end_mark.index
    if not parent.flow_style:
        last = end if isinstance(node, ScalarNode) or node.flow_style else _last_token(text, node)
        first, rest = text.rfind("\n", 0, begin) + 1, _line_after(text, last)
        comments = (" " * key.start_mark.column + comment + line_end for comment in _comments(text, first, rest))
        return text[:first] + "".join(comments) + text[rest:]
    after = re.compile(r"\s*,\s*").match(text, end)
    if after is not None:
        return text[:begin] + text[after.end() :]
    return re.sub(r"\s*,\s*\Z", "", text[:begin]) + text[end:]


def _end(text: str, node: Any) -> int:
    """Where a value ends; the mark of one on lines of its own is at the next token."""
    begin = int(node.start_mark.index)
    return begin + len(text[begin : node.end_mark.index].rstrip())


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    """Where each word and sign of a text begins and ends."""
    for token in _door().scan(text):
        if token.end_mark.index > token.start_mark.index:
            yield token.start_mark.index, token.end_mark.index


def _last_token(text: str, node: Any) -> int:
    """Where the last word of a value ends."""
    begin, end = node.start_mark.index, node.end_mark.index
    last = max(stop for start, stop in _tokens(text) if begin <= start < max(end, begin + 1))
    return len(text[:last].rstrip())


def _comments(text: str, begin: int, end: int) -> list[str]:
    """The comments between two places, one a line."""
    covered = bytearray(len(text))
    for start, stop in _tokens(text):
        covered[start:stop] = b"\1" * (stop - start)
    found = []
    place = begin
    while place < end:
        line = _line_after(text, place)
        mark = next((at for at in range(place, min(line, end)) if text[at] == "#" and not covered[at]), None)
        if mark is not None:
            found.append(text[mark:line].rstrip())
        place = line
    return found


def _line_after(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end + 1


# --- writing values


def _lines(change: Change, depth: int, column: int) -> list[str]:
    """A key that is new, on lines of its own, with those above it that are new too."""
    assert change.value is not None
    lines = [f"{' ' * (column + 2 * number)}{_text(name)}:" for number, name in enumerate(change.path[depth:])]
    inner = column + 2 * len(lines)
    if isinstance(change.value, Pairs):
        return lines + [f"{' ' * inner}{_text(key.text)}: {_flow(value)}" for key, value in change.value.pairs]
    lines[-1] += f" {_flow(change.value)}"
    return lines


def _flow_pairs(path: tuple[str, ...], value: Node) -> str:
    inner = _flow(value) if len(path) == 1 else f"{{{_flow_pairs(path[1:], value)}}}"
    return f"{_text(path[0])}: {inner}"


def _flow(node: Node) -> str:
    """A value on one line."""
    if isinstance(node, Items):
        return f"[{', '.join(map(_flow, node.items))}]"
    if isinstance(node, Pairs):
        return f"{{{', '.join(f'{_text(key.text)}: {_flow(value)}' for key, value in node.pairs)}}}"
    return _text(node.text) if node.kind == "text" else node.text


def _text(text: str) -> str:
    """A text that YAML reads as this very text."""
    if needs_no_quotes(text):
        return text
    return _NEEDS_ESCAPE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


# --- writing it anew


def _round_trip(text: str, change: Change) -> str:
    yaml = _door()
    top = yaml.load(text)
    if top is None:
        top = {}
    inner = top
    for name in change.path[:-1]:
        if inner.get(name) is None:
            inner[name] = {}
        inner = inner[name]
    key = change.path[-1]
    if change.name is not None:
        place = list(inner).index(key)
        inner.insert(place, change.name, inner.pop(key))
    elif change.value is None:
        inner.pop(key, None)
    else:
        inner[key] = yaml.load(_flow(change.value))
    written = io.StringIO()
    yaml.dump(top, written)
    return written.getvalue()
