"""The day's answer of the feed and the day's picture, on the disk: neither is asked for twice. Plain blocking code."""

from __future__ import annotations

import json
import os
from pathlib import Path

from attrs import frozen

from imageserver import picture_kind
from imageserver.default_plugins.wikimedia.feed import Featured


@frozen(kw_only=True)
class Day:
    """What is kept for one day, of one feed, in one width: anything else on the disk counts as nothing."""

    folder: Path
    date: str  # of the feed, such as 2026/11/22
    address: str
    width: int

    def featured(self) -> Featured | None:
        """The feed's answer of this day, if it was kept."""
        try:
            read = json.loads(self._facts.read_text("utf-8"))
            if read["of"] != self._key:
                return None
            return Featured(addresses=tuple(map(str, read["addresses"])), details=dict(read["details"]))
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None  # never kept, or damaged: it is asked for again

    def picture(self) -> bytes | None:
        """The picture of this day, if it was kept. Only right where `featured` gave something."""
        try:
            return self._picture.read_bytes() or None
        except OSError:
            return None

    def keep_featured(self, featured: Featured) -> None:
        """Keep the feed's answer, and drop the picture of any other. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._picture.unlink(missing_ok=True)
        facts = {"of": self._key, "addresses": featured.addresses, "details": dict(featured.details)}
        _write(self._facts, json.dumps(facts, ensure_ascii=False, indent=1).encode())

    def keep_picture(self, picture: bytes) -> None:
        """Keep the picture. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self._picture, picture)

    @property
    def _key(self) -> list[str | int]:
        return [self.date, self.address, self.width]

    @property
    def _facts(self) -> Path:
        return self.folder / "day.json"

    @property
    def _picture(self) -> Path:
        return self.folder / "day.picture"


def is_whole(picture: bytes) -> bool:
    """Whether the bytes begin and end as a picture does. Half a picture must not be shown for a whole day."""
    kind = picture_kind(picture)
    if kind == "jpeg":
        return b"\xff\xd9" in picture[-64:]  # some cameras write a few bytes behind the end
    if kind == "png":
        return picture.endswith(b"IEND\xaeB`\x82")
    return kind == "webp" and int.from_bytes(picture[4:8], "little") + 8 <= len(picture)


def _write(path: Path, data: bytes) -> None:
    # All or nothing, also when the power fails: a picture that is cut off would be taken for the day's.
    draft = path.with_suffix(f"{path.suffix}.part")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
