"""The folders of the five versions of the Go server: read, checked, served as they are, and left as they were."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
import signal
import ssl
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from attrs import evolve
from pictures.room import opened
from PIL import Image
from ports import kept_ports
from program import HANG_LIMIT, environment, program, run
from roots import FIRST, ROOTS, Root, colour_of, jpeg
from ruamel.yaml import YAML

from imageserver.config import reader
from imageserver.config.model import Config
from imageserver.errors import ConfigError
from imageserver.moving_in import look
from imageserver.pictures.rotation import Rotated

NOW = datetime(2026, 5, 5, 12, tzinfo=UTC)
COMPOSE = Path(__file__).resolve().parent.parent / "compose.yaml"
# What this server adds to an old installation, by its path from there.
OURS = re.compile(
    r"data/(journal\.sqlite(-wal|-shm|-snapshot|-home|-seal)?|server\.json|\.lock|prompts_example\.yaml|\.prompts-last-good\.(yaml|json)"
    r"|(answers|renditions|providers)(/.*)?)|images/original|log/app\.log.*"
)


@pytest.fixture(params=ROOTS)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Root:
    """The folders of one version after the other."""
    return ROOTS[request.param](tmp_path / "old")


def listing(folder: Path) -> dict[str, str]:
    """Every file below with the hash of its bytes, and every folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in folder.rglob("*")
    }


def load(data: Path) -> Config:
    """The configuration of a data folder."""
    return reader.load(data, flags={}, environment={}, now=NOW)


def test_the_options_are_read(root: Root) -> None:
    """Every old options.yml is read without a problem, and its size is the frame's."""
    options = load(root.data).options
    assert (options.image_width, options.image_height) == root.size
    assert options.image_path == root.images
    assert options.fit_threshold == (0 if root.version == "1.05" else 0.03)
    assert [window.black_image_mode for window in options.sleep_time] == (
        [False, True] if root.version in {"1.02", "1.03"} else []
    )


async def test_check_says_what_was_found(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    """`imageserver check` names the version and what lies there, in both languages, and changes nothing."""
    before = listing(root.folder)
    for language, words, changes in (
        ("en_GB.UTF-8", "This looks like", "differ"),
        ("ru_RU.UTF-8", "Похоже", "изменится"),
    ):
        monkeypatch.setenv("LC_ALL", language)
        code, out, err = await run("check", "--data", str(root.data))
        assert (code, err) == (0, "")
        assert f"{words} " in out
        assert f"ImageServer {root.version}" in out
        assert f": {root.prompts})" in out
        assert ("scalable: 4" in out) == (root.version == "1.04")
        assert (f"{root.folder}/certs" in out) == (root.version in {"1.03", "1.04", "1.05"})
        found, _, will_differ = out.partition(changes)
        assert len(re.findall(r"^  - ", found, re.MULTILINE)) >= 3
        assert 1 <= len(re.findall(r"^  - ", will_differ, re.MULTILINE)) <= 10
        assert ("fit_mode: pad" in will_differ) == (root.version == "1.05")
        assert ("providers: {yandexart: {}}" in will_differ) == (root.version == "1.1")
        assert ("max_per_day" in will_differ) == (root.version in {"1.02", "1.03", "1.04"})
        assert (f"{root.folder}/photos" in will_differ) == (root.version in {"1.04", "1.05"})
    assert listing(root.folder) == before


async def test_config_shows_todays_names(root: Root) -> None:
    """What `imageserver config` prints has no old name in it, and read again it gives the same configuration."""
    code, out, err = await run("config", "--data", str(root.data))
    assert (code, err) == (0, "")
    shown = "\n".join(line.partition("  #")[0] for line in out.splitlines())
    for name in ("iframe_image_parameters", "image_weight", "ydArt", "lim:", "original_image_amount"):
        assert name not in shown
    old = load(root.data)
    (root.data / "options.yml").write_text(out, encoding="utf-8")
    todays = tuple("yandexart" if code == "ydArt" else code for code in old.options.disabled_providers)
    assert load(root.data).options == evolve(old.options, disabled_providers=todays)
    code, again, err = await run("config", "--data", str(root.data))
    assert (code, err) == (0, "")
    assert _values(again, root.data) == _values(out, root.data)


def _values(shown: str, data: Path) -> list[str]:
    # where a path begins in the data folder, both ways of writing it are the same
    return [line.partition("  #")[0].replace(f"{data}/", "") for line in shown.splitlines()[1:]]


async def test_every_picture_is_shown_once_and_nothing_is_changed(root: Root) -> None:
    """The real program serves each old picture once in a lap, at the frame's size; a stop leaves the folders whole."""
    before = listing(root.folder)
    async with program(root.data) as server:
        shown = [await server.frame.picture("old") for _ in root.colours]
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.process.wait(), HANG_LIMIT) == 0
    assert sorted(map(colour_of, shown)) == sorted(root.colours)
    for data in shown:
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.size == root.size
    after = listing(root.folder)
    assert {path for path in before if after.get(path) != before[path] and path != "log/app.log"} == set()
    assert {path for path in after.keys() - before.keys() if not OURS.fullmatch(path)} == set()
    assert look(load(root.data)) is None, "from now on the folders are ours"


@pytest.mark.parametrize("version", ["1.03", "1.04", "1.05"])
async def test_old_certificates_are_used(version: str, tmp_path: Path) -> None:
    """With the old RSA-4096 certificate the one port speaks HTTPS, and HTTP beside it."""
    root = ROOTS[version](tmp_path / "old")
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE  # as frames do
    async with program(root.data) as server, aiohttp.ClientSession() as http:
        for scheme in ("https", "http"):
            base = f"{scheme}://127.0.0.1:{server.port}"
            async with http.post(f"{base}/operation/start", json={"type": "old"}, ssl=careless) as answer:
                operation = (await answer.json())["id"]
            status = "pending"
            while status == "pending":  # the rendition may take longer than one question waits
                async with http.get(f"{base}/operation/result/{operation}", ssl=careless) as answer:
                    status = (await answer.json())["status"]
            assert status == "done"


async def test_the_first_start_says_it_in_the_log_once(tmp_path: Path) -> None:
    """The first start on old folders has one line about them; the second has none."""
    root = ROOTS["1.04"](tmp_path / "old")
    (root.data / "options.yml").write_text(
        (root.data / "options.yml").read_text(encoding="utf-8").replace('"WARNING"', '"INFO"'), encoding="utf-8"
    )
    with kept_ports(1) as [port]:
        logs = [await _log_of_a_run(root.data, {"PORT": str(port), "TZ": "Europe/Moscow"}) for _ in range(2)]
    lines = [[line for line in log.splitlines() if "Go ImageServer" in line] for log in logs]
    assert [len(found) for found in lines] == [1, 0]
    assert "version 1.04: pictures: 6, prompts: 4" in lines[0][0]


async def test_port_and_zone_come_from_the_environment(tmp_path: Path) -> None:
    """PORT and TZ, as old compose files set them, are the program's port and zone."""
    root = ROOTS["1.1"](tmp_path / "old")
    with kept_ports(1) as [port]:
        log = await _log_of_a_run(root.data, {"PORT": str(port), "TZ": "Europe/Moscow"}, expected_port=port)
    assert "Europe/Moscow" in log


async def _log_of_a_run(data: Path, extra: dict[str, str], *, expected_port: int | None = None) -> str:
    """What the program logs from its start, with no --port, to a stop right after it listens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "imageserver", "serve", "--data", str(data), "--host", "127.0.0.1",
        stdout=PIPE, stderr=PIPE, env=environment() | extra,
    )  # fmt: skip
    assert process.stdout is not None
    said = b""
    while b"Options:" not in said:
        line = await asyncio.wait_for(process.stdout.readline(), HANG_LIMIT)
        assert line, (await process.communicate())[1].decode()
        said += line
    if expected_port is not None:
        assert f"http://127.0.0.1:{expected_port}" in said.decode()
    process.send_signal(signal.SIGTERM)
    _, err = await asyncio.wait_for(process.communicate(), HANG_LIMIT)
    assert process.returncode == 0
    return err.decode()


# Options


def problems(data: Path, text: str) -> list[str]:
    """What is wrong with these options."""
    data.mkdir(exist_ok=True)
    (data / "options.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(data)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("iframe_image_parameters: {image_weight: 128, image_height: 160}", (128, 160)),
        ("iframe_image_parameters: {image_weight: 128}\nimage_height: 160", (128, 160)),
        ("image_weight: 128\nimage_height: 160", (128, 160)),
        ("image_width: 128\niframe_image_parameters: {image_weight: 128, image_height: 160}", (128, 160)),
        ("iframe_image_parameters:", (320, 480)),
        ("iframe_image_parameters: {}", (320, 480)),
        ("iframe_image_parameters:\n  image_weight:\n  image_height: ~", (320, 480)),
    ],
)
def test_the_panel_in_all_its_places(tmp_path: Path, text: str, size: tuple[int, int]) -> None:
    """The section's keys count as if they stood at the top; nothing in it is as good as no section."""
    (tmp_path / "options.yml").write_text(text)
    options = load(tmp_path).options
    assert (options.image_width, options.image_height) == size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "image_width: 320\niframe_image_parameters:\n  image_weight: 240",
            "options.yml:3: iframe_image_parameters.image_weight: is the same option as image_width in line 1, with "
            "another value: keep one of them",
        ),
        (
            "iframe_image_parameters:\n  image_weigth: 240",
            'options.yml:2: iframe_image_parameters.image_weigth: no such key; did you mean "image_weight"?',
        ),
        (
            "iframe_image_parameters:\n  image_height: high",
            'options.yml:2: iframe_image_parameters.image_height: expected a whole number, got "high"',
        ),
        (
            "iframe_image_parameters: 320",
            "options.yml:1: iframe_image_parameters: expected keys with values, got 320",
        ),
        (
            "iframe_image_parameter: {}",
            'options.yml:1: iframe_image_parameter: no such key; did you mean "iframe_image_parameters"?',
        ),
        (
            "original_image_amount_max: many",
            'options.yml:1: original_image_amount_max: expected a whole number, got "many"',
        ),
        (
            "sleep_time:\n  - time_range: {start_time: 25:00, end_time: 06:00}\n    black_image_mode: true",
            'options.yml:2: sleep_time.time_range.start_time: expected a time from "00:00" to "23:59", in quotes, got '
            '"25:00"',
        ),
    ],
)
def test_what_the_old_server_swallowed(tmp_path: Path, text: str, expected: str) -> None:
    """Contradictions, misspelt keys and values of the wrong kind are named with their line."""
    assert problems(tmp_path, text) == [expected]


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("original_image_amount_min: 3000\noriginal_image_amount_max: 4000", (3000, 4000)),
        ("original_image_amount_min: 30\noriginal_image_amount_max: 40", (1000, 2000)),
        (
            "image_amount_min: 10\nimage_amount_max: 20\noriginal_image_amount_min: 30\noriginal_image_amount_max: 40",
            (30, 40),
        ),
        (
            "image_amount_min: 50\nimage_amount_max: 60\noriginal_image_amount_min: 30\noriginal_image_amount_max:",
            (50, 60),
        ),
    ],
)
def test_of_two_limits_the_larger_counts(tmp_path: Path, text: str, amounts: tuple[int, int]) -> None:
    """Version 1.04 counted originals apart: no picture is deleted that it would have kept."""
    (tmp_path / "options.yml").write_text(text)
    options = load(tmp_path).options
    assert (options.image_amount_min, options.image_amount_max) == amounts


def test_numbers_without_a_point_are_good_everywhere(tmp_path: Path) -> None:
    """What was a whole number in Go is taken where ours has a fraction."""
    (tmp_path / "options.yml").write_text("image_generate_threshold: 2\nfit_threshold: 0\nprompts_amount: 10\n")
    options = load(tmp_path).options
    assert (options.image_generate_threshold, options.fit_threshold, options.prompts_amount) == (2, 0, 10)


@pytest.mark.parametrize("codes", ["[ydArt, lim]", "[YDART, LIM]", "ydArt", "\n  - YdArt"])
async def test_old_codes_can_be_disabled(tmp_path: Path, codes: str) -> None:
    """Providers are switched off by their old names, in any case of letters; what is missing for them is no matter."""
    text = f"disabled_providers: {codes}\nproviders: {{ydArt: {{image_generate_threshold: 1}}}}\n"
    (tmp_path / "options.yml").write_text(text)
    code, out, err = await run("check", "--data", str(tmp_path))
    assert (code, err) == (0, "")
    assert "Providers: atelier." in out


@pytest.mark.parametrize("section", ["", "providers:\n", "providers: {}\n", "providers:\n  ydArt:\n"])
async def test_a_section_of_providers_may_be_empty(tmp_path: Path, section: str) -> None:
    """An absent or empty `providers:`, or one with a code and nothing behind it, is no problem."""
    (tmp_path / "options.yml").write_text(f"port: 8099\n{section}")
    code, _, err = await run("check", "--data", str(tmp_path))
    assert (code, err) == (0, "")


@pytest.mark.parametrize(("folder", "advice"), [("images/mine", "Move the photos"), (".", "Let image_path be")])
async def test_photos_inside_of_the_store(tmp_path: Path, folder: str, advice: str) -> None:
    """Where `lim` looked into the store, or the store lies among the photos, the owner is told what to do."""
    root = ROOTS["1.1"](tmp_path / "old")
    (root.images / "mine").mkdir()
    options = root.data / "options.yml"
    text = options.read_text(encoding="utf-8")
    options.write_text(
        f'{text}providers:\n  lim:\n    local_image_folder: "{root.folder / folder}"\n', encoding="utf-8"
    )
    code, _, err = await run("check", "--data", str(root.data))
    assert code == 2
    assert "options.yml:12: providers.folder.local_image_folder:" in err
    assert "keep them apart" in err
    assert advice in err


# What is not theirs


@pytest.mark.parametrize(
    "options", [None, "image_width: 320\nproviders: {yandexart: {}}\n"], ids=["empty", "ours, not started yet"]
)
async def test_no_word_about_go(tmp_path: Path, options: str | None) -> None:
    """A new folder, and one with options as we write them, has nothing to do with the old server."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "cat.jpg").write_bytes(jpeg(1, (40, 60)))
    if options:
        (tmp_path / "options.yml").write_text(options)
    code, out, _ = await run("check", "--data", str(tmp_path))
    assert code == 0
    assert len(out.splitlines()) == 1


async def test_broken_old_prompts_are_named(tmp_path: Path) -> None:
    """Prompts that the old server would have used with a hole in them are named, with their line."""
    root = ROOTS["1.02"](tmp_path / "old")
    prompts = root.data / "prompts.yaml"
    prompts.write_text(prompts.read_text(encoding="utf-8").replace("[[style]]", "[[stile]]"), encoding="utf-8")
    code, out, _ = await run("check", "--data", str(root.data))
    assert code == 2
    assert "prompts.yaml:13" in out
    assert "stile" in out


async def test_a_path_of_the_container_is_noticed(tmp_path: Path) -> None:
    """`image_path: /images` was right inside the old container; outside it the pictures lie beside the data folder."""
    root = ROOTS["1.05"](tmp_path / "old")
    options = root.data / "options.yml"
    given = [line for line in options.read_text(encoding="utf-8").splitlines() if not line.startswith("image_path")]
    options.write_text("\n".join([*given, f"image_path: {tmp_path}/nowhere/images"]) + "\n", encoding="utf-8")
    code, out, _ = await run("check", "--data", str(root.data))
    assert code == 0
    assert f"{root.data.parent / 'images'}" in out
    assert "image_path" in out


# Pictures


async def test_the_oldest_name_goes_first(tmp_path: Path) -> None:
    """The time in a name counts, not that of the file; an original takes its smaller copy along, and no stranger."""
    async with opened(tmp_path) as room:
        for number in range(4):
            name = f"f{FIRST + number}"
            room.put(f"original/{name}-orig.jpeg", age=number)  # the oldest by name is the newest by its file
            room.put(f"scalable/{name}.jpeg", age=number)
        room.put(f"scalable/f{FIRST - 1}.jpeg")
        room.put("scalable/notes.jpeg", age=-(10**8))
        await room.store.scan()
        shown = [f"original/f{FIRST + number}-orig.jpeg" for number in range(4)]
        assert sorted(await room.show_all()) == sorted([*shown, f"scalable/f{FIRST - 1}.jpeg", "scalable/notes.jpeg"])
        agreed = room.rotation(3, 5)
        assert await agreed.confirm() == Rotated(stored=6, deleted=3)
        assert room.files() == [
            f"original/f{FIRST + 2}-orig.jpeg",
            f"original/f{FIRST + 3}-orig.jpeg",
            f"scalable/f{FIRST + 2}.jpeg",
            f"scalable/f{FIRST + 3}.jpeg",
            "scalable/notes.jpeg",
        ]
        await room.store.scan()
        assert room.store.count() == 3


@pytest.mark.parametrize("is_given", [True, False])
async def test_no_old_picture_goes_without_consent(tmp_path: Path, *, is_given: bool) -> None:
    """Above the maximum the old server's pictures wait for a word, also where its options.yml names a maximum."""
    async with opened(tmp_path) as room:
        for number in range(6):
            room.put(f"f{FIRST + number}.jpeg")
        await room.store.scan()
        rotation = room.rotation(2, 4, is_given=is_given)
        assert await rotation.run() == Rotated(stored=6, deleted=0, waiting=4)
        assert len(room.files()) == 6
        assert await rotation.confirm() == Rotated(stored=6, deleted=4)
        room.put(f"f{FIRST + 6}.jpeg")
        room.put(f"f{FIRST + 7}.jpeg")
        room.put(f"f{FIRST + 8}.jpeg")
        await room.store.scan()
        assert await rotation.run() == Rotated(stored=5, deleted=3)


async def test_the_first_start_deletes_nothing(tmp_path: Path) -> None:
    """More old pictures than image_amount_max: `check` says so, and a rotation deletes none until `rotate --yes`."""
    root = ROOTS["1.1"](tmp_path / "old")
    options = root.data / "options.yml"
    text = options.read_text(encoding="utf-8").replace("500", "2").replace("600", "4")
    options.write_text(text, encoding="utf-8")
    names = sorted(path.name for path in root.images.iterdir())
    _, out, _ = await run("check", "--data", str(root.data))
    assert "`imageserver rotate --yes`" in out
    async with program(root.data) as server:
        await server.frame.picture("old")
        code, out, _ = await run("rotate", "--data", str(root.data))
        assert (code, "--yes" in out) == (0, True)
        assert sorted(path.name for path in root.images.glob("*.jpeg")) == names
        await run("rotate", "--yes", "--data", str(root.data))
        assert sorted(path.name for path in root.images.glob("*.jpeg")) == names[-2:]


# compose.yaml


def _mounts(name: str) -> Iterator[str]:
    lines = COMPOSE.read_text(encoding="utf-8").splitlines()
    commented = "\n".join(line.strip().removeprefix("# ") for line in lines if f"- ${{{name}:" in line)
    yield from YAML(typ="safe").load(commented)


@pytest.mark.parametrize("name", ["IMAGESERVER_DATA_ROOT", "IMAGE_SERVER_DATA_ROOT"])
def test_compose_knows_both_names(name: str) -> None:
    """The lines to be put in for folders of one's own are there for our variable and for the old one."""
    ours = [mount for mount in _mounts(name) if not mount.endswith("U")]  # podman has five of its own
    inside = sorted(re.fullmatch(r"\$\{\w+:[-?][^{}$]+\}/(\w+):/\1(:ro)?", mount)[1] for mount in ours)  # type: ignore[index]  # no match fails the test as well
    assert inside == ["certs", "data", "images", "log", "plugins"]
