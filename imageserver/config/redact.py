"""The effective configuration as YAML that can be pasted into a forum: origins as comments, secrets as `***`.

Apart from what is masked, the text is an options.yml that gives the same configuration again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import attrs

from imageserver.config.model import Config, RawSettings, Terms
from imageserver.config.origins import with_origins
from imageserver.config.quoting import needs_no_quotes
from imageserver.config.schema import is_secret, names_of, schema_of
from imageserver.config.values import Items, Node, Pairs, Scalar, looks_secret

MASK = "***"


def show(
    config: Config,
    settings: Mapping[str, object],
    terms: Mapping[str, Terms] | None = None,
    extensions: Mapping[str, object] | None = None,
) -> str:
    """The options and the settings of the providers and extensions, one key a line.

    `settings` and `extensions` are the validated settings by code. Where one is missing, what the owner wrote is shown;
    nobody knows then which of its keys are secret, so their names decide.
    """
    lines = [f"# data folder: {_plain(str(config.data))}  ({config.origins.get('data', 'default')})"]
    for name in schema_of(type(config.options)):
        value = getattr(config.options, name)
        lines.append(f"{name}: {_value(value)}  # {config.origins.get(name, 'default')}")
    lines += _frames(config)
    lines += _section("providers", config.providers, settings, terms or {})
    if config.extensions or extensions:
        lines += _section("extensions", config.extensions, extensions or {}, {})
    return "\n".join(lines) + "\n"


def _frames(config: Config) -> Iterator[str]:
    """The named frames, each with what the owner said of it."""
    if config.frames:
        yield "frames:"
    for name, said in config.frames.items():
        given = [
            f"{one}: {_value(getattr(said, one))}"
            for one, attribute in schema_of(type(said)).items()
            if getattr(said, one) != attribute.default
        ]
        yield f"  {_text(name)}: {{{', '.join(given)}}}  # {config.origins.get(f'frames.{name}', 'default')}"


def _section(
    name: str, given: Mapping[str, RawSettings], settings: Mapping[str, object], terms: Mapping[str, Terms]
) -> Iterator[str]:
    codes = [*given, *(code for code in settings if code not in given)]
    yield f"{name}:" if codes else f"{name}: {{}}"
    for code in codes:
        raw = given.get(code)
        yield f"  {_text(code)}:  # {raw.file}:{raw.line}" if raw else f"  {_text(code)}:  # default"
        agreed = terms.get(code)
        if agreed is not None:
            yield from _fields(raw, agreed)
        if settings.get(code) is not None:
            yield from _fields(raw, settings[code])
        elif agreed is None:
            yield from _unread(raw)


def _unread(raw: RawSettings | None) -> Iterator[str]:
    """What the owner wrote, where nobody has read it: names decide what is secret."""
    if raw is not None and isinstance(raw.node, Pairs):
        for key, value in raw.node.pairs:
            yield f"    {_text(key.text)}: {_node(value, masked=looks_secret(key.text))}  # {raw.file}:{key.line}"


def _fields(raw: RawSettings | None, instance: object) -> Iterator[str]:
    for attribute, value, origin in with_origins(raw, instance):
        yield f"    {names_of(attribute)[0]}: {_shown(attribute, value)}  # {origin}"


def _shown(attribute: attrs.Attribute[Any], value: object) -> str:
    return f'"{MASK}"' if is_masked(attribute, value) else _value(value)


def is_masked(attribute: attrs.Attribute[Any], value: object) -> bool:
    """Whether a value of this field is not shown."""
    # A path or a number under a name like `key_file` or `token_limit` is no secret unless it was declared one.
    hidden = bool(attribute.metadata.get("secret")) or (is_secret(attribute) and isinstance(value, str | tuple))
    return hidden and value not in (None, "", ())


def masked_address(text: str) -> str:
    """A text without the user, password and parameters of a web address.

    A parameter may be a signature or a key; its name stays.
    """
    text = re.sub(r"://[^/\s]+@", f"://{MASK}@", text)
    if "://" not in text:
        return text
    address, mark, query = text.partition("?")
    return address + mark + re.sub(r"=[^&#\s]+", f"={MASK}", query)


def _node(node: Node, *, masked: bool) -> str:
    if isinstance(node, Items):
        return "[" + ", ".join(_node(item, masked=masked) for item in node.items) + "]"
    if isinstance(node, Pairs):
        pairs = (
            f"{_text(key.text)}: {_node(value, masked=masked or looks_secret(key.text))}" for key, value in node.pairs
        )
        return "{" + ", ".join(pairs) + "}"
    if node.kind == "null":
        return "null"
    if masked and node.text:
        return f'"{MASK}"'
    return _scalar(node)


def _scalar(node: Scalar) -> str:
    # A number goes out as it came in; one with quotes or a `!!` before it is safest as a text.
    is_plain = node.kind != "text" and not node.quoted and re.fullmatch(r"[-+.\w]+", node.text, re.ASCII)
    return node.text if is_plain else _text(node.text)


def _value(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if attrs.has(type(value)):
        kind: type[Any] = type(value)
        return (
            "{" + ", ".join(f"{one.name}: {_shown(one, getattr(value, one.name))}" for one in attrs.fields(kind)) + "}"
        )
    if isinstance(value, int | float | Decimal):
        return f"{value:f}" if isinstance(value, Decimal) else repr(value)
    return _text(str(value))


def _text(text: str) -> str:
    """A text that YAML reads as this very text, apart from what is masked in a web address."""
    text = masked_address(text)
    return text if needs_no_quotes(text) else f'"{_plain(text, also=_QUOTED)}"'


_QUOTED = {'"': '\\"', "\\": "\\\\"}


def _plain(text: str, also: Mapping[str, str] | None = None) -> str:
    """`text` on one line, with every letter that cannot be printed written as YAML's escape for it."""
    letters = []
    for letter in text:
        if also and letter in also:
            letters.append(also[letter])
        elif letter.isprintable():
            letters.append(letter)
        else:
            letters.append(f"\\U{ord(letter):08x}")
    return "".join(letters)
