"""Backups that are damaged, cut, forged or hostile; targets and places that cannot take one. Nothing is ever lost."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve
from journal.records import a_job, a_picture
from live import picture_bytes

from backup.house import listing, names, untouched
from imageserver.backup.archive import FOLDER, FORMAT, sum_line
from imageserver.backup.belongings import Belongings
from imageserver.backup.checking import Checked, check_backup
from imageserver.backup.making import CannotBackUp, make_backup
from imageserver.backup.moves import STAGE, finish, is_cut_off
from imageserver.backup.reading import BackupBroken, BackupTooNew
from imageserver.backup.restoring import CannotRestore, Places, Restored, restore
from imageserver.errors import DataFolderInUse, ImageServerError, JournalRefused
from imageserver.journal import Journal
from imageserver.journal.schema import VERSION
from imageserver.lock import DataLock

NOW = datetime(2026, 5, 5, 12, tzinfo=UTC)
SECRET = "the-key-of-the-service"


def of(base: Path) -> Belongings:
    """Folders side by side, as in a container."""
    return Belongings(data=base / "data", images=base / "images", certificates=base / "certs", plugins=base / "plugins")


async def furnished(base: Path) -> Belongings:
    """A small installation at rest, with a file in every part."""
    here = of(base)
    for folder in (here.data / "providers" / "x", here.images / "original", here.certificates, here.plugins / "more"):
        folder.mkdir(parents=True)
    (here.data / "options.yml").write_text("image_amount_max: 77\n")
    (here.data / "keys.json").write_text(SECRET)
    (here.data / "keys.json").chmod(0o600)
    (here.data / "providers" / "x" / "kept\nwith \\ both").write_text("kept")
    (here.data / "renditions").mkdir()
    (here.data / "renditions" / "large").write_text("made again")
    (here.data / "server.json").write_text("{}")
    (here.images / "mine.jpg").write_bytes(picture_bytes())
    (here.images / "original" / "bought.jpg").write_bytes(picture_bytes("orange"))
    os.utime(here.images / "mine.jpg", ns=(1_700_000_000_123_456_789,) * 2)
    (here.images / "link.jpg").symlink_to("/etc/passwd")
    (here.certificates / "key.pem").write_text("private")
    (here.plugins / "dear.py").write_text("# mine\n")
    (here.plugins / "more" / "__init__.py").write_text("# mine too\n")
    journal = Journal(here.data / "journal.sqlite")
    await journal.open()
    for path in ("mine.jpg", "original/bought.jpg"):
        await journal.pictures.add_and_settle(a_picture(path), a_job(path))
    await journal.close()
    return here


def copied(here: Belongings) -> Path:
    """A copy of its journal, as a backup takes it."""
    return Path(shutil.copy(here.data / "journal.sqlite", here.data.parent / "copy.sqlite"))


async def backed_up(base: Path) -> tuple[Belongings, Path]:
    """An installation and a backup of it."""
    here = await furnished(base / "old")
    file = base / "house.tar"
    make_backup(file, here, copied(here), now=NOW.timestamp())
    return here, file


def restored(file: Path, base: Path, *, force: bool = False) -> Restored:
    """Put it there, beside each other."""
    there = of(base)
    places = Places(data=there.data, images=there.images, certificates=there.certificates, plugins=there.plugins)
    return restore(file, places, force=force, now=NOW)


async def test_every_part_comes_back(tmp_path: Path) -> None:
    """Files, names, bytes, times and rights; what is made again is not in it, nor where a link of the store leads."""
    here, file = await backed_up(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert SECRET.encode() in file.read_bytes()
    done = restored(file, tmp_path / "new")
    before, after = listing(here.data.parent), listing(tmp_path / "new")
    gone = {name for name in before if name not in after}
    assert gone == {
        "copy.sqlite", "data/renditions/large", "data/server.json", "data/journal.sqlite-snapshot",
        "data/journal.sqlite-home", "data/journal.sqlite-seal", "images/link.jpg",
    }  # fmt: skip
    assert {name for name in after if name not in before} <= {"data/.lock"}
    for name in set(before) & set(after) - {"data/journal.sqlite", "data/options.yml"}:
        assert after[name] == before[name], name
    assert (done.pictures, done.aside) == (2, ())
    options = (tmp_path / "new/data/options.yml").read_text()  # in a checkout the plugins of a server are there
    assert options == f'image_amount_max: 77\nplugins_dir: "{tmp_path}/new/plugins"\n'
    assert not list((tmp_path / "new").rglob(STAGE))
    journal = Journal(tmp_path / "new" / "data" / "journal.sqlite")
    await journal.open()
    assert await journal.pictures.named("original/bought.jpg") == 2
    await journal.close()


def damaged(file: Path, seed: int) -> bytes:
    """One byte of it is another one."""
    data = bytearray(file.read_bytes())
    chance = random.Random(seed)
    data[chance.randrange(len(data) - 1024)] ^= 1 << chance.randrange(8)
    return bytes(data)


async def test_a_file_that_a_restore_brought_and_its_owner_moved_out_again(tmp_path: Path) -> None:
    """It is in the next backup once, as it is outside, and can be restored."""
    here = await furnished(tmp_path / "old")
    (here.data / "restored-files").mkdir()
    for place in (here.data / "restored-files" / "key", tmp_path / "key"):
        place.write_text(str(place.parent.name))
    make_backup(tmp_path / "house.tar", evolve(here, files={"key": tmp_path / "key"}), copied(here), now=0)
    restored(tmp_path / "house.tar", tmp_path / "new")
    assert (tmp_path / "new" / "data" / "restored-files" / "key").read_text() == tmp_path.name


async def test_damage_is_found(tmp_path: Path) -> None:
    """Any flipped bit in what matters, and any cut: the check says so, and a restore leaves the place as it was."""
    _, file = await backed_up(tmp_path)
    whole, bad = file.read_bytes(), tmp_path / "bad.tar"
    chance = random.Random(4)
    found = 0
    for number in range(60):
        bad.write_bytes(damaged(file, number) if number % 2 else whole[: chance.randrange(len(whole) - 10240)])
        try:
            check_backup(bad)
        except (ImageServerError, OSError):
            found += 1
            with pytest.raises((ImageServerError, OSError)):
                restored(bad, tmp_path / "new")
            assert not (tmp_path / "new" / "data").exists() or not any((tmp_path / "new" / "data").iterdir())
        else:
            # the padding behind a file and the owner's name in a header hold nothing: what comes out is the same
            restored(bad, tmp_path / "same")
            assert (tmp_path / "same/data/keys.json").read_text() == SECRET
            shutil.rmtree(tmp_path / "same")
    assert found >= 45


def forged(file: Path, to: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> Path:
    """The backup with other members, and a list of hashes that agrees with them."""
    with tarfile.open(file) as tar:
        members = [(info, (tar.extractfile(info) or io.BytesIO()).read()) for info in tar.getmembers()][:-1]
    change(members)
    lines = b"".join(
        sum_line(hashlib.sha256(data).hexdigest(), info.name.removeprefix(f"{FOLDER}/")) for info, data in members
    )
    sums = tarfile.TarInfo(f"{FOLDER}/SHA256SUMS")
    with tarfile.open(to, "w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in [*members, (sums, lines)]:
            if info.isreg():
                info.size = len(data)
            info.pax_headers = {name: value for name, value in info.pax_headers.items() if name == "mtime"}
            tar.addfile(info, io.BytesIO(data))
    return to


HOSTILE = [
    "../evil", "data/../../evil", "/etc/evil", "data//evil", "data/./evil", "data/", "evil", "other/evil", "",
    "data/.lock", "data/journal.sqlite-wal", "data/.restore/plan.json", "data/server.json", "images/../data/evil",
    "data/renditions/evil", "data/before-restore-1/evil", "./data/evil", "DATA/evil", "data/x/../../../evil",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_names_are_refused(name: str, tmp_path: Path) -> None:
    """Names that lead elsewhere, or to what a backup never holds, though their hashes are right."""
    _, file = await backed_up(tmp_path)

    def add(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members.insert(3, (tarfile.TarInfo(name if name.startswith(("/", "..")) else f"{FOLDER}/{name}"), b"evil"))

    evil = forged(file, tmp_path / "evil.tar", add)
    with untouched(tmp_path), pytest.raises(BackupBroken):
        restored(evil, tmp_path / "new")
    with pytest.raises(BackupBroken):
        check_backup(evil)


KINDS = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE]


@pytest.mark.parametrize("kind", KINDS)
async def test_only_plain_files_are_taken(kind: bytes, tmp_path: Path) -> None:
    """No link, device, pipe or file with holes, and nothing through a link that came first."""
    _, file = await backed_up(tmp_path)

    def add(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        info = tarfile.TarInfo(f"{FOLDER}/data/door")
        info.type, info.linkname = kind, str(tmp_path)
        members.insert(2, (info, b""))
        members.insert(3, (tarfile.TarInfo(f"{FOLDER}/data/door/evil"), b"evil"))

    evil = forged(file, tmp_path / "evil.tar", add)
    with untouched(tmp_path), pytest.raises(BackupBroken, match="is no plain file"):
        restored(evil, tmp_path / "new")


async def test_a_forged_backup_that_is_right_is_taken(tmp_path: Path) -> None:
    """The control: the forged ones are refused for what is wrong with them, not because they were made here."""
    _, file = await backed_up(tmp_path)

    def add(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members.insert(3, (tarfile.TarInfo(f"{FOLDER}/data/more"), b"more"))

    restored(forged(file, tmp_path / "more.tar", add), tmp_path / "new")
    assert (tmp_path / "new" / "data" / "more").read_bytes() == b"more"


def _without_a_picture(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    members[:] = [one for one in members if not one[0].name.endswith("bought.jpg")]


def _twice(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    members.insert(3, (tarfile.TarInfo(f"{FOLDER}/data/options.yml"), b""))


def _without_the_journal(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    members[:] = [one for one in members if not one[0].name.endswith("journal.sqlite")]


def _another_journal(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    members[:] = [(info, b"no" if info.name.endswith("journal.sqlite") else data) for info, data in members]


def _newer_journal(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    for place, (info, data) in enumerate(members):
        if info.name.endswith("journal.sqlite"):
            members[place] = (info, data[:60] + (VERSION + 1).to_bytes(4, "big") + data[64:])


def _newer_form(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    said = json.loads(members[0][1]) | {"format": FORMAT + 1, "version": "9.9"}
    members[0] = (members[0][0], json.dumps(said).encode())


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (_without_a_picture, BackupBroken, "bought.jpg' is named by the journal and missing"),
        (_without_the_journal, BackupBroken, "journal.sqlite is missing"),
        (_another_journal, BackupBroken, "journal.sqlite is damaged"),
        (_newer_journal, JournalRefused, "newer version"),
        (_newer_form, BackupTooNew, r"newer version \(9.9"),
        (_twice, BackupBroken, "is in it twice"),
    ],
)
async def test_what_does_not_belong_together_is_refused(
    change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None],
    error: type[Exception],
    words: str,
    tmp_path: Path,
) -> None:
    """Missing pictures, a missing, damaged or newer journal, a newer form, a file twice: said, and nothing changes."""
    _, file = await backed_up(tmp_path)
    forged(file, tmp_path / "wrong.tar", change)
    with untouched(tmp_path), pytest.raises(error, match=words):
        restored(tmp_path / "wrong.tar", tmp_path / "new")


@pytest.mark.parametrize("bytes_", [b"", b"hello", bytes(20_000), b"\x1f\x8b" + bytes(500)])
async def test_what_is_no_backup_is_refused(bytes_: bytes, tmp_path: Path) -> None:
    """Anything else under that name, read and written."""
    here = await furnished(tmp_path / "old")
    file = tmp_path / "house.tar"
    file.write_bytes(bytes_)
    with untouched(tmp_path), pytest.raises(BackupBroken):
        restored(file, tmp_path / "new")
    if bytes_:
        with pytest.raises(CannotBackUp, match="is no backup: it is not overwritten"):
            make_backup(file, here, copied(here), now=0)
        assert file.read_bytes() == bytes_


async def test_a_full_folder_is_refused_and_moved_aside_with_force(tmp_path: Path) -> None:
    """Nothing is lost: what was there lies in a folder inside. Plugins are put beside each other."""
    _, file = await backed_up(tmp_path)
    there = await furnished(tmp_path / "new")
    (there.data / "options.yml").write_text("port: 1234\n")
    (there.plugins / "dear.py").write_text("# another\n")
    (there.plugins / "other.py").write_text("# stays\n")
    before = listing(tmp_path / "new")
    with untouched(tmp_path), pytest.raises(CannotRestore, match="is not empty"):
        restored(file, tmp_path / "new")
    done = restored(file, tmp_path / "new", force=True)
    assert (there.data / "options.yml").read_text().startswith("image_amount_max: 77\n")
    assert (there.plugins / "dear.py").read_text() == "# mine\n"
    assert (there.plugins / "other.py").read_text() == "# stays\n"
    stamp = "before-restore-2026-05-05-120000"
    assert set(done.aside) == {
        there.data / stamp, there.images / stamp, there.plugins / f"dear.py.{stamp}",
    }  # fmt: skip
    kept = {path.read_bytes() for path in (tmp_path / "new").rglob("*") if path.is_file()}
    assert {data for data, _, _ in before.values()} <= kept


async def test_a_running_server_is_left_alone(tmp_path: Path) -> None:
    """While somebody holds the folder nothing is restored into it, with force neither."""
    _, file = await backed_up(tmp_path)
    there = of(tmp_path / "new")
    lock = DataLock(there.data)
    lock.take()
    try:
        for force in (False, True):
            with pytest.raises(DataFolderInUse):
                restored(file, tmp_path / "new", force=force)
        assert [path.name for path in there.data.iterdir()] == [".lock"]
    finally:
        lock.release()


async def test_bad_targets(tmp_path: Path) -> None:
    """No folder, inside of what is backed up, a folder of that name: said before anything is read or written."""
    here = await furnished(tmp_path / "old")
    journal = copied(here)
    (tmp_path / "folder").mkdir()
    for target, words in (
        (tmp_path / "none" / "x.tar", "there is no folder"),
        (here.data / "x.tar", "choose a folder outside of it"),
        (here.images / "original" / "x.tar", "choose a folder outside of it"),
        (tmp_path / "folder", "is no plain file"),
    ):
        with untouched(tmp_path), pytest.raises(CannotBackUp, match=words):
            make_backup(target, here, journal, now=0)


async def test_an_older_backup_stays_until_the_new_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk with too little room, or a file that cannot be read: the old backup is there, and nothing else."""
    here, file = await backed_up(tmp_path)
    journal = copied(here)
    old = file.read_bytes()
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(CannotBackUp, match="MiB free, and the backup needs about"):
        make_backup(file, here, journal, now=0)
    assert file.read_bytes() == old
    monkeypatch.undo()
    with monkeypatch.context() as patch:  # a stick that forgets what was written to it

        def forgetful(draft: Path) -> Checked:
            os.truncate(draft, draft.stat().st_size // 2)
            return check_backup(draft)

        patch.setattr("imageserver.backup.making.check_backup", forgetful)
        with pytest.raises(BackupBroken):
            make_backup(file, here, journal, now=0)
    assert file.read_bytes() == old
    assert names(tmp_path) == ["house.tar", "old"]
    (here.data / "more").mkdir()
    (here.data / "more" / "sock").symlink_to("loop")
    (here.data / "more" / "loop").symlink_to("sock")
    (here.data / "round").symlink_to(here.data)
    make_backup(file, here, journal, now=NOW.timestamp())
    assert file.read_bytes() != old
    assert names(tmp_path) == ["house.tar", "old"]


async def test_pictures_that_go_and_move_meanwhile(tmp_path: Path) -> None:
    """What rotated away is in neither the files nor the journal; what went into the trash is where the journal says."""
    here = await furnished(tmp_path / "old")
    journal = copied(here)
    (here.images / "mine.jpg").unlink()
    trash = here.images / ".trash" / "1700000000-2" / "original"
    trash.mkdir(parents=True)
    (here.images / "original" / "bought.jpg").rename(trash / "bought.jpg")
    made = make_backup(tmp_path / "house.tar", here, journal, now=NOW.timestamp())
    assert (made.gone, made.checked.pictures) == (1, 1)
    restored(tmp_path / "house.tar", tmp_path / "new")
    assert (tmp_path / "new/images/original/bought.jpg").read_bytes() == picture_bytes("orange")


async def test_a_store_that_is_not_mounted_makes_no_backup(tmp_path: Path) -> None:
    """A journal full of pictures and a store without any: somebody forgot a disk, and the backup would be worthless."""
    here = await furnished(tmp_path / "old")
    with pytest.raises(CannotBackUp, match="is its disk mounted"):
        make_backup(
            tmp_path / "house.tar", evolve(here, images=tmp_path / "not-mounted"), copied(here), now=NOW.timestamp()
        )
    assert not (tmp_path / "house.tar").exists()


@pytest.mark.parametrize(
    "options",
    ["", "image_path: {old}/images  # there\n", "port: 8099\nimage_path: '../images'", "{{image_path: {old}/images}}"],
)
async def test_options_point_to_where_the_pictures_are(options: str, tmp_path: Path) -> None:
    """Wherever the store is put, the options name it, or the owner is told which line to change."""
    here = await furnished(tmp_path / "old")
    text = options.format(old=tmp_path / "old")
    (here.data / "options.yml").write_text(text)
    make_backup(tmp_path / "house.tar", here, copied(here), now=NOW.timestamp())
    there = of(tmp_path / "new")
    places = Places(
        data=there.data, images=tmp_path / "disk" / "pictures", certificates=there.certificates, plugins=there.plugins
    )
    done = restore(tmp_path / "house.tar", places, force=False, now=NOW)
    assert (tmp_path / "disk/pictures/mine.jpg").exists()
    written = (there.data / "options.yml").read_text()
    if text.startswith("{"):
        assert written == text
        assert "change it" in done.remarks[0]
    else:
        assert f'image_path: "{tmp_path}/disk/pictures"' in written
        assert ("port: 8099" in written) is ("port" in text)


async def test_a_restore_that_was_cut_off_is_finished(tmp_path: Path) -> None:
    """Whichever rename was the last before a kill: the next start does the rest, and the outcome is the same."""
    _, file = await backed_up(tmp_path)
    there = await furnished(tmp_path / "new")
    (there.data / "options.yml").write_text("port: 1234\n")
    kept = tmp_path / "kept"
    shutil.copytree(tmp_path / "new", kept, symlinks=True)
    restored(file, tmp_path / "new", force=True)
    wanted = contents(tmp_path / "new")
    for cut in range(40):
        shutil.rmtree(tmp_path / "new")
        shutil.copytree(kept, tmp_path / "new", symlinks=True)
        if not _killed_after(cut, file, tmp_path / "new"):
            break
        assert is_cut_off(there.data)
        finish(there.data)
        assert contents(tmp_path / "new") == wanted, cut
    else:
        pytest.fail("it never came to its end")
    assert cut > 8


def contents(base: Path) -> dict[str, bytes]:
    """Every file but the lock, and what is in it."""
    return {name: data for name, (data, _, _) in listing(base).items() if name != "data/.lock"}


def _killed_after(renames: int, file: Path, base: Path) -> bool:
    """Restore, and stop at the n-th rename behind the point from which it counts. False when there are fewer."""
    real, left = Path.rename, renames

    class Killed(BaseException):
        pass

    def rename(self: Path, target: Path) -> Path:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        return real(self, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        try:
            restored(file, base, force=True)
        except Killed:
            return True
    return False
