from __future__ import annotations

import os
from pathlib import Path

import attrs
import pytest

from imageserver.config.folders import check_folders, data_folder, default_images, default_plugins, find_checkout
from imageserver.config.model import Config, Options, RawSettings
from imageserver.config.outside import make_own
from imageserver.config.values import Pairs, Scalar

IN_OURS = {"IMAGESERVER_IN_CONTAINER": "1"}
needs_permissions = pytest.mark.skipif(os.geteuid() == 0, reason="root may write and read everywhere")


def _config(data: Path, image_path: Path) -> Config:
    key = Scalar(text="local_image_folder", kind="text", line=6)
    node = Pairs(pairs=((key, Scalar(text="x", kind="text", line=6)),), line=6)
    raw = RawSettings(code="folder", file="options.yml", line=5, node=node)
    options = Options(image_path=image_path)
    return Config(data=data, options=options, providers={"folder": raw}, origins={"image_path": "options.yml:3"})


def _check(data: Path, image_path: Path, library: Path | None = None) -> list[str]:
    before = sorted(data.parent.rglob("*"))
    problems = check_folders(_config(data, image_path), {"folder": library} if library else {})
    assert sorted(data.parent.rglob("*")) == before, "a check changes nothing"
    return [str(problem) for problem in problems]


def test_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag beats the environment, which beats the checkout, which beats the current folder."""
    monkeypatch.chdir(tmp_path)
    environment = {"IMAGESERVER_DATA": "/from/environment"}
    assert data_folder("flag/../x", environment, checkout=Path("/c")) == tmp_path / "x"
    assert data_folder("~/frames", {}) == Path.home() / "frames"
    assert data_folder(None, environment, checkout=Path("/c")) == Path("/from/environment")
    assert data_folder(None, {"IMAGESERVER_DATA": ""}, checkout=Path("/c")) == Path("/c/var/data")
    monkeypatch.setattr("imageserver.config.folders.find_checkout", lambda: None)
    assert data_folder(None, {}) == tmp_path / "var" / "data"


def test_the_checkout_is_found() -> None:
    """These tests run from a checkout, and the package knows it."""
    assert find_checkout() == Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("data", "images", "plugins"),
    [
        ("/data", "/images", "/plugins"),
        ("/home/me/var/data", "/home/me/var/images", "/home/me/var/plugins"),
        ("/srv/frame1", "/srv/frame1/images", "/srv/frame1/plugins"),
    ],
)
def test_the_default_folders(monkeypatch: pytest.MonkeyPatch, data: str, images: str, plugins: str) -> None:
    """Folders stand beside a data folder that is called so, and inside one of another name."""
    assert default_images(Path(data)) == Path(images)
    assert default_plugins(Path(data), checkout=Path("/c")) == Path("/c/plugins")
    monkeypatch.setattr("imageserver.config.folders.find_checkout", lambda: None)
    assert default_plugins(Path(data)) == Path(plugins)


def test_folders_that_are_there_or_can_be_made(tmp_path: Path) -> None:
    """Folders may be missing as long as they can be made, and nothing is made by asking."""
    library = tmp_path / "photos"
    library.mkdir()
    assert _check(tmp_path / "a" / "data", tmp_path / "b" / "images", library) == []


def test_a_file_in_the_way(tmp_path: Path) -> None:
    """A file, or a link that leads nowhere, where a folder should be is a problem of the option that names it."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "original").write_text("x")
    problems = _check(tmp_path / "file" / "data", tmp_path / "link" / "images")
    assert problems == [
        f"options.yml: the data folder {tmp_path}/file/data cannot be used: {tmp_path}/file is a file",
        f"options.yml:3: image_path: {tmp_path}/link/images cannot be used: "
        f"{tmp_path}/link is a link that leads to no folder",
    ]
    (problem,) = _check(tmp_path, tmp_path / "store")
    assert f"{tmp_path}/store/original is a file" in problem


def test_the_remedy_for_an_unwritable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of somebody else comes with the line to type, quoted for the shell, with our own numbers."""
    store = tmp_path / "my images"
    store.mkdir()
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != store and real(path, mode))
    owner = f"{os.getuid()}:{os.getgid()}"
    (problem,) = _check(tmp_path / "data", store)
    assert problem.endswith(f"is not writable for this server; run: sudo chown -R {owner} '{store}'")
    (problem,) = _check(tmp_path / "data", store / "deeper")
    assert problem.endswith(f"run: sudo mkdir -p '{store}/deeper' && sudo chown -R {owner} '{store}/deeper'")


@needs_permissions
def test_a_folder_without_permissions(tmp_path: Path) -> None:
    """A folder that the system does not let us use is seen as such."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    (problem,) = _check(tmp_path / "data", closed)
    assert "is not writable" in problem
    closed.chmod(0o000)
    (problem,) = _check(tmp_path / "data", tmp_path / "images", closed)
    assert "is not readable" in problem
    closed.chmod(0o700)


def test_a_library_that_is_not_there(tmp_path: Path) -> None:
    """A missing local_image_folder, or a file in its place, is a problem with the line of its key."""
    (tmp_path / "file").write_text("x")
    name = "options.yml:6: providers.folder.local_image_folder:"
    assert _check(tmp_path, tmp_path / "i", tmp_path / "no") == [f"{name} there is no folder {tmp_path}/no"]
    assert _check(tmp_path, tmp_path / "i", tmp_path / "file") == [f"{name} {tmp_path}/file is no folder"]


@pytest.mark.parametrize(
    ("library", "image_path", "overlaps"),
    [
        ("photos", "photos", True),
        ("photos", "photos/store", True),
        ("photos/mine", "photos", True),
        ("photos/../photos/mine/..", "photos/not/there/yet", True),
        ("link", "photos/store", True),
        ("photos/mine", "link", True),
        ("photos/mine", "photos/mine2", False),
        ("photos", "photos2", False),
    ],
)
def test_library_and_store_stay_apart(tmp_path: Path, library: str, image_path: str, *, overlaps: bool) -> None:
    """The owner's photos and the store may not lie inside one another, whatever way their names are written."""
    (tmp_path / "photos" / "mine").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    problems = _check(tmp_path / "data", tmp_path / image_path, tmp_path / library)
    assert len(problems) == overlaps
    assert all("lies inside" in problem and problem.startswith("options.yml:6: ") for problem in problems)


def test_a_library_of_an_unnamed_provider(tmp_path: Path) -> None:
    """A provider that the options do not name is reported without a line."""
    config = attrs.evolve(_config(tmp_path, tmp_path / "i"), providers={})
    (problem,) = check_folders(config, {"folder": tmp_path / "no"})
    assert problem.where == "options.yml"


def test_a_closed_door_on_the_way_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in somebody's home that nobody else may enter is not said to be missing."""
    home = tmp_path / "my home"
    library = home / "Pictures"
    library.mkdir(parents=True)
    truth = os.access
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: path != home and truth(path, mode))
        (problem,) = _check(tmp_path / "data", tmp_path / "images", library)
    assert problem.endswith(
        f"{library} cannot be reached: {home} is closed to this server (user {os.getuid()}); "
        f"run: sudo chmod o+x '{home}'"
    )
    assert _check(tmp_path / "data", tmp_path / "images", library) == []


def _maps(folder: Path, users: str, groups: str) -> Path:
    (folder / "uid_map").write_text(users)
    (folder / "gid_map").write_text(groups)
    return folder


ALL = "         0          0 4294967295\n"  # as the kernel writes it where there is no namespace of its own


@pytest.mark.parametrize(
    ("environment", "folder", "command"),
    [
        ({}, "/srv/my frames", "run: sudo chown -R {own} '/srv/my frames'"),
        # what a shell at home exports is not believed of a server that runs there too
        ({"IMAGESERVER_DATA_ROOT": "/mnt/x"}, "/data", "run: sudo chown -R {own} /data"),
        (
            IN_OURS | {"IMAGESERVER_DATA_ROOT": "/mnt/x"},
            "/data",
            "run, outside of the container: sudo chown -R {own} /mnt/x/data",
        ),
        (
            IN_OURS | {"IMAGE_SERVER_DATA_ROOT": "/volume1/my frames"},
            "/images/original",
            "run, outside of the container: sudo chown -R {own} '/volume1/my frames/images/original'",
        ),
        # not one of the five that compose.yaml mounts there
        (
            IN_OURS | {"IMAGESERVER_DATA_ROOT": "/mnt/x"},
            "/photos",
            "run, outside of the container: sudo chown -R {own} FOLDER  (FOLDER is what is mounted there as /photos)",
        ),
        (
            IN_OURS | {"IMAGESERVER_DATA_ROOT": ""},
            "/data",
            "run, outside of the container: sudo chown -R {own} FOLDER  (FOLDER is what is mounted there as /data)",
        ),
    ],
)
def test_the_command_is_one_for_where_it_is_typed(
    tmp_path: Path, environment: dict[str, str], folder: str, command: str
) -> None:
    """In a container the folder has the name that it has outside, where the owner is."""
    told = make_own(Path(folder), environment, is_missing=False, maps=_maps(tmp_path, ALL, ALL))
    assert told == command.format(own=f"{os.getuid()}:{os.getgid()}")


def test_the_command_has_the_numbers_outside(tmp_path: Path) -> None:
    """Where the container has users of its own, as with rootless podman, the command has the numbers behind them."""
    user, group = os.getuid(), os.getgid()
    maps = _maps(
        tmp_path,
        f"{user + 1} 90000 500\n{user} 1234 1\n",
        f"{max(group - 5, 0)} 100000 65536\n",
    )
    owner = f"1234:{100000 + min(group, 5)}"
    environment = IN_OURS | {"IMAGESERVER_DATA_ROOT": "/srv/x"}
    told = make_own(Path("/images/original"), environment, is_missing=True, maps=maps)
    place = "/srv/x/images/original"
    assert told == f"run, outside of the container: sudo mkdir -p {place} && sudo chown -R {owner} {place}"
    assert f"{user}:{group} " in make_own(Path("/data"), {}, is_missing=False, maps=tmp_path / "none")
