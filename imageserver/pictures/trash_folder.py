"""Files on their way into the trash and out of it. Plain blocking code: called in a thread.

Each deleted picture has a folder of its own below `.trash` in the store, in which its files lie as they lay in the
store. So they stay on one file system, and a name is free again at once. Every function may be called again after it
was cut off: it finishes what is left to do.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path

from imageserver.durable import sync_folder
from imageserver.journal import Picture
from imageserver.pictures.originals import plain_file
from imageserver.pictures.scan import smaller_twin

FOLDER = ".trash"  # no scan looks into it
_NAME = re.compile(r"[0-9]+-[0-9]+", re.ASCII)


class NotPlain(OSError):
    """What is to be moved is no plain file of the store."""


def name_for(picture_id: int, now: float) -> str:
    """The folder for a picture that is deleted now. Ids begin anew with another journal, and times do not."""
    return f"{int(now)}-{picture_id}"


def path_before(picture: Picture) -> str:
    """Where a picture of the trash lay in the store."""
    return picture.path.partition("/")[2]


def file_of(store: Path, picture: Picture) -> Path:
    """Where a picture of the trash lies."""
    return store / FOLDER / picture.path


def carry_in(store: Path, picture: Picture) -> bool:
    """Move the files of a picture that the journal has in the trash there. False when there are none.

    Raises OSError, and then the picture itself is where it was.
    """
    before, to = path_before(picture), store / FOLDER / picture.path.partition("/")[0]
    if file_of(store, picture).exists():
        return True
    source = plain_file(store, before)
    if source is None:
        raise NotPlain(f"{before} is no plain file of the store")
    if not _is_the_file(source, picture):
        return False
    for path in filter(None, (smaller_twin(before), before)):  # the twin alone would be a picture without an original
        _move(store / path, to / path, store)
    return True


def carry_out(store: Path, name: str, path: str) -> None:
    """Move the picture in the folder `name` of the trash back into the store, to `path`, where nothing may lie.

    Raises OSError, and then the picture itself is where it was.
    """
    source = lying_in(store, name, path)
    if source is not None:
        _move(source, store / path, store)
    twin = smaller_twin(path)
    if twin is not None and not (store / twin).exists():
        with contextlib.suppress(OSError):  # what the Go server made of it for the frame can be missed
            _move(store / FOLDER / name / twin, store / twin, store)
    shutil.rmtree(store / FOLDER / name, ignore_errors=True)


def lying_in(store: Path, name: str, path: str) -> Path | None:
    """The picture in a folder of the trash that is to be at `path`, though its name may have been another one."""
    folder = (store / FOLDER / name / path).parent
    if not folder.is_dir():
        return None
    return next((file for file in sorted(folder.iterdir()) if file.is_file() and not file.is_symlink()), None)


def free_path(store: Path, path: str) -> str:
    """This path below the store, or one like it that nothing lies at."""
    stem, point, ending = path.rpartition(".")
    number, free = 1, path
    while (store / free).exists():
        number, free = number + 1, f"{stem}-{number}{point}{ending}"
    return free


def throw_away(store: Path, name: str) -> None:
    """Delete a folder of the trash for good. Raises OSError."""
    if _NAME.fullmatch(name) and (store / FOLDER / name).is_dir():
        shutil.rmtree(store / FOLDER / name)


def is_there(store: Path) -> bool:
    """Whether there is a trash at all; a store that is not mounted has none."""
    return (store / FOLDER).is_dir()


def strays(store: Path, known: set[str], before: float) -> list[str]:
    """Folders of the trash that no picture is known for, from before this time: of another journal, mostly."""
    if not is_there(store):
        return []
    names = [entry.name for entry in (store / FOLDER).iterdir() if _NAME.fullmatch(entry.name)]
    return [name for name in names if name not in known and int(name.partition("-")[0]) < before]


def _is_the_file(path: Path, picture: Picture) -> bool:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return False
    # the owner may have put another one there under the same name
    return (facts.st_size, facts.st_mtime_ns) == (picture.size, picture.mtime_ns)


def _move(source: Path, target: Path, store: Path) -> None:
    """Move a file if it is there; returns when that is on the disk."""
    if not source.exists():
        return
    _make_folders(target.parent, store)
    source.rename(target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)


def _make_folders(folder: Path, store: Path) -> None:
    if folder == store or folder.is_dir():
        return
    _make_folders(folder.parent, store)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)
