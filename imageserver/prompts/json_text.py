"""prompts.json as text: finding its entries with their lines, and writing it anew."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from imageserver.prompts.entries import LEVELS, Contents, Entry, Lines, Placed, Unreadable

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def contents(text: str) -> Contents:
    """The items of "prompts" in the file's order, and "global_placeholders"; raises Unreadable."""
    try:
        return _contents(text, Lines(text))
    except json.JSONDecodeError as error:
        raise Unreadable(error.lineno, f"not valid JSON: {error.msg} (column {error.colno})") from None
    except ValueError:
        raise Unreadable(1, "not valid JSON: a number with too many digits") from None
    except RecursionError:
        raise Unreadable(1, "not valid JSON: nested too deeply") from None


def rewritten(text: str, *, drop: int, prompt: str, negative: str | None) -> str:
    """The text of a good prompts.json without its `drop` oldest entries and with one more. Unknown keys stay."""
    top = json.loads(text)
    kept = []
    for entry in top["prompts"]:
        if entry["idx"] > drop:
            entry["idx"] -= drop
            kept.append(entry)
    new: dict[str, object] = {"idx": len(kept) + 1, "prompt": prompt}
    if negative is not None:
        new["negative"] = negative
    top["prompts"] = [*kept, new]
    written = json.dumps(top, ensure_ascii=False, indent=2) + "\n"
    if any("\ud800" <= character <= "\udfff" for character in written):
        # Half a surrogate pair in a key that is not ours: only its escape can be written.
        written = json.dumps(top, indent=2) + "\n"
    return written


def _contents(text: str, lines: Lines) -> Contents:
    # The standard library checks the syntax and forgets the places, so the text is walked once more for them.
    top = json.loads(text)
    if not isinstance(top, dict) or "prompts" not in top:
        raise Unreadable(1, 'expected {"prompts": [ … ]}')
    places: dict[str, int] = {}
    for key, place, _ in _members(text, 0):
        if key in places and key in ("prompts", "global_placeholders"):
            raise Unreadable(lines.at(place), f'the key "{key}" stands there twice')
        places[key] = place
    if not isinstance(top["prompts"], list):
        raise Unreadable(lines.at(places["prompts"]), "prompts must be a list of entries")
    entries = [_entry(text, lines, place, value) for place, value in _items(text, places["prompts"])]
    if "global_placeholders" not in top:
        return Contents(entries, None)
    return Contents(
        entries, _placed(text, lines, places["global_placeholders"], top["global_placeholders"], levels=LEVELS)
    )


def _entry(text: str, lines: Lines, begin: int, value: object) -> Placed:
    entry = _placed(text, lines, begin, value, levels=1)
    if not isinstance(value, dict):
        return entry
    if "placeholders" in value:
        place = next(place for key, place, _ in _members(text, begin) if key == "placeholders")
        entry.value["placeholders"] = _placed(text, lines, place, value["placeholders"], levels=LEVELS)
    return Placed(Entry(entry.value, entry.line), entry.line)


def _placed(text: str, lines: Lines, begin: int, value: object, *, levels: int) -> Placed:
    line = lines.at(begin)
    if levels and isinstance(value, dict):
        members: dict[str, Placed] = {}
        for key, place, member in _members(text, begin):
            if key in members:
                raise Unreadable(lines.at(place), f"the key {json.dumps(key)} stands in one entry twice")
            members[key] = _placed(text, lines, place, member, levels=levels - 1)
        return Placed(members, line)
    if levels and isinstance(value, list):
        items = _items(text, begin)
        return Placed([_placed(text, lines, place, item, levels=levels - 1) for place, item in items], line)
    return Placed(value, line)


def _members(text: str, begin: int) -> Iterator[tuple[str, int, Any]]:
    """Key, offset of the value and value of every member of the valid JSON object that begins near `begin`."""
    place = _skip(text, _skip(text, begin) + 1)
    while text[place] != "}":
        key, place = _DECODER.raw_decode(text, place)
        place = _skip(text, _skip(text, place) + 1)
        value, end = _DECODER.raw_decode(text, place)
        yield key, place, value
        place = _next(text, end)


def _items(text: str, begin: int) -> Iterator[tuple[int, Any]]:
    """Offset and value of every item of the valid JSON array that begins near `begin`."""
    place = _skip(text, _skip(text, begin) + 1)
    while text[place] != "]":
        value, end = _DECODER.raw_decode(text, place)
        yield place, value
        place = _next(text, end)


def _next(text: str, place: int) -> int:
    place = _skip(text, place)
    return _skip(text, place + 1) if text[place] == "," else place


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    assert match is not None  # the pattern matches the empty string
    return match.end()
