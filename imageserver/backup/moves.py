"""The last step of a restore: renames that were written down first, so that whoever is killed is finished later.

Everything was unpacked and verified in a folder `.restore` beside what it takes the place of. The plan makes it count:
before it is on the disk nothing has changed, and afterwards the rest follows, now or at the next start.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from attrs import define, field

from imageserver.durable import sync_folder, write_durably

STAGE = ".restore"  # in the data folder, and in each folder outside of it that gets something
_PLAN = "plan.json"


@define(kw_only=True)
class Plan:
    """What is renamed, in this order, and which folders go afterwards."""

    stages: list[Path] = field(factory=list)
    moves: list[tuple[Path, Path]] = field(factory=list)

    def commit(self, data: Path) -> None:
        """From now on the restore counts."""
        # All that was unpacked at once: one by one a hundred thousand pictures would take hours on an SD card.
        os.sync()
        said = {
            "stages": [str(stage) for stage in self.stages],
            "moves": [[str(source), str(target)] for source, target in self.moves],
        }
        write_durably(data / STAGE / _PLAN, json.dumps(said).encode(), mode=0o600)


def is_cut_off(data: Path) -> bool:
    """Whether a restore into this data folder was killed behind the point from which it counts."""
    return (data / STAGE / _PLAN).exists()


def finish(data: Path) -> None:
    """Do what is left of a plan. The lock of the data folder is held. Raises OSError; call it again then."""
    plan = data / STAGE / _PLAN
    said = json.loads(plan.read_bytes())
    touched = set()
    for source, target in ((Path(source), Path(target)) for source, target in said["moves"]):
        # It was moved before; and at the source may stand by now what came in its place.
        if not os.path.lexists(source) or os.path.lexists(target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        touched |= {source.parent, target.parent}
    for folder in touched:
        sync_folder(folder)
    for stage in map(Path, said["stages"]):
        if stage != data / STAGE:
            shutil.rmtree(stage, ignore_errors=True)
    plan.unlink()
    shutil.rmtree(data / STAGE, ignore_errors=True)


def sweep(*folders: Path) -> None:
    """Remove what a restore left that was killed before it counted."""
    for folder in folders:
        if (folder / STAGE).is_dir() and not (folder / STAGE).is_symlink():
            shutil.rmtree(folder / STAGE)
