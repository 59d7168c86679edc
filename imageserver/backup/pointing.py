"""The options of a restored installation point to where its folders are now. A change is proved by reading it again."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime
from pathlib import Path

from imageserver.config import reader

_NAMES = ("options.yml", "options.yaml")


def point(staged: Path, data: Path, places: dict[str, Path], defaults: dict[str, Path], now: datetime) -> list[str]:
    """Change the options in `staged`, which is to become `data`, where they name other folders than `places`.

    Both are given by option; `defaults` are the folders where options name none. Returns a sentence for each that was
    changed, or that the owner has to change.
    """
    said = []
    for option, place in places.items():
        config, _ = reader.read(staged, flags={}, environment={}, now=now)
        is_named = config.origins.get(option, "default").startswith(_NAMES)
        before = _as_seen_from(getattr(config.options, option), staged, data) if is_named else defaults[option]
        if before == place:
            continue
        if _changed(staged, option, place, now):
            said.append(f"options.yml: {option} names {place} now (before: {before})")
        else:
            said.append(f"options.yml names {before} for {option}, and what belongs there is in {place}: change it")
    return said


def _as_seen_from(path: Path | None, staged: Path, data: Path) -> Path | None:
    """A folder that options name relative to the data folder, as it is once that lies in its place."""
    if path is None or not path.is_relative_to(staged.parent.parent):
        return path
    return Path(os.path.normpath(data / os.path.relpath(path, staged)))


def _changed(staged: Path, option: str, place: Path, now: datetime) -> bool:
    """Write the option's line, or one more. False, and nothing is changed, where the file then says something else."""
    file = next((staged / name for name in _NAMES if (staged / name).exists()), staged / _NAMES[0])
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    before, problems = reader.read(staged, flags={}, environment={}, now=now)
    line = f"{option}: {json.dumps(str(place), ensure_ascii=False)}"
    new, number = re.subn(rf"(?m)^{option}[ \t]*:.*$", lambda _found: line, old)
    if not number:
        new = f"{old}{'' if not old or old.endswith(chr(10)) else chr(10)}{line}\n"
    file.write_text(new, encoding="utf-8")
    after, now_wrong = reader.read(staged, flags={}, environment={}, now=now)
    is_right = getattr(after.options, option) == place and len(now_wrong) <= len(problems)
    if is_right and set(after.providers) == set(before.providers) and set(after.frames) == set(before.frames):
        return True
    if old:
        file.write_text(old, encoding="utf-8")
    else:
        file.unlink()
    return False
