"""The last image of an address on the disk, so that a server can say "nothing new". Plain blocking code.

One file holds all of it: a line of JSON, then the bytes. A file that is not whole counts as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

_VALIDATORS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}  # RFC 9110, 8.8 and 13.1


@frozen(kw_only=True)
class Kept:
    """An image, and what its server needs to tell whether it is still the newest."""

    picture: bytes = field(repr=False)
    conditions: Mapping[str, str]  # headers of the next request; never empty


def conditions_after(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that ask for something newer than this answer; empty where its server cannot tell."""
    return {condition: headers[name] for name, condition in _VALIDATORS.items() if headers.get(name)}


def read_kept(file: Path, address: str) -> Kept | None:
    """What was kept of this address; None where that is nothing, broken, or of another address."""
    try:
        head, _, picture = file.read_bytes().partition(b"\n")
        facts = json.loads(head)
        kept = Kept(picture=picture, conditions=facts["conditions"])
        return kept if facts["digest"] == _digest(address, kept) else None
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        return None


def write_kept(file: Path, address: str, kept: Kept) -> None:
    """Keep this one instead of the last. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    head = json.dumps({"conditions": dict(kept.conditions), "digest": _digest(address, kept)}).encode()
    new = file.with_suffix(".new")  # so that a crash leaves the old one; the digest tells if it did not
    new.write_bytes(head + b"\n" + kept.picture)
    new.replace(file)


def drop_kept(file: Path) -> None:
    """Keep nothing."""
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def _digest(address: str, kept: Kept) -> str:
    described = json.dumps([address, dict(kept.conditions)]).encode()
    return hashlib.sha256(described + b"\n" + kept.picture).hexdigest()
