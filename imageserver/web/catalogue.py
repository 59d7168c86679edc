"""Translations: read from the text files that translators edit, into the standard library's own catalogue.

gettext reads compiled files only, and such a file is either committed beside its source, and then sooner or later an
older one, or made by a package that nobody needs on a NAS. So the text is read at the start, put into the compiled
form in memory, and gettext does all the rest, the rules of plurals too. A test compares the result with Babel's.
"""

from __future__ import annotations

import ast
import gettext
import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from attrs import define, field

_MAGIC = 0x950412DE  # of the compiled form: gettext manual, "The Format of GNU MO Files"
_LINE = re.compile(r'(?:(msgctxt|msgid_plural|msgid|msgstr)(?:\[(\d)\])?\s+)?("(?:[^"\\]|\\.)*")')


class CatalogueBroken(Exception):
    """A file of translations cannot be read; it comes with the package, so this is our mistake."""


@define
class _Entry:
    texts: dict[str, str] = field(factory=dict)  # "msgid", "msgstr[0]" → text
    is_fuzzy: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether its translation has begun: what comes next belongs to another one."""
        return any(name.startswith("msgstr") for name in self.texts)

    @property
    def key(self) -> str:
        """As the compiled form has it: context, id and plural in one."""
        context = f"{self.texts['msgctxt']}\x04" if "msgctxt" in self.texts else ""
        plural = f"\0{self.texts['msgid_plural']}" if "msgid_plural" in self.texts else ""
        return f"{context}{self.texts['msgid']}{plural}"

    @property
    def value(self) -> str:
        """All forms of the translation; empty when one is missing."""
        forms = [text for name, text in sorted(self.texts.items()) if name.startswith("msgstr")]
        return "\0".join(forms) if all(forms) else ""


def read_catalogue(path: Path) -> gettext.GNUTranslations:
    """The translations in a .po file. Raises CatalogueBroken, OSError."""
    entries = [entry for entry in _entries(path.read_text(encoding="utf-8"), path.name) if not entry.is_fuzzy]
    return gettext.GNUTranslations(io.BytesIO(_compiled({entry.key: entry.value for entry in entries if entry.value})))


def _entries(text: str, name: str) -> Iterator[_Entry]:
    entry, last = _Entry(), ""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("#"):
            if entry.is_whole:
                yield entry
                entry, last = _Entry(), ""
            entry.is_fuzzy = entry.is_fuzzy or (stripped.startswith("#,") and "fuzzy" in stripped)
            continue
        if not stripped:
            continue
        found = _LINE.fullmatch(stripped)
        if found is None:
            raise CatalogueBroken(f"{name}:{number}: this is no line of a catalogue")
        word, form, quoted = found.groups()
        if word in ("msgid", "msgctxt") and entry.is_whole:
            yield entry
            entry, last = _Entry(), ""
        if word is not None:
            last = f"{word}[{form or 0}]" if word == "msgstr" else word
        elif not last:
            raise CatalogueBroken(f"{name}:{number}: a text without a word before it")
        entry.texts[last] = entry.texts.get(last, "") + ast.literal_eval(quoted)
    if entry.is_whole:
        yield entry


def _compiled(messages: dict[str, str]) -> bytes:
    """The compiled form: a head, two tables of lengths and offsets, and the texts with a zero behind each."""
    pairs = sorted((key.encode(), value.encode()) for key, value in messages.items())
    head = 7 * 4
    offset = head + len(pairs) * 16
    tables, texts = [b"", b""], b""
    for side in (0, 1):
        for pair in pairs:
            tables[side] += struct.pack("<II", len(pair[side]), offset + len(texts))
            texts += pair[side] + b"\0"
    first = struct.pack("<7I", _MAGIC, 0, len(pairs), head, head + len(pairs) * 8, 0, head + len(pairs) * 16)
    return first + tables[0] + tables[1] + texts
