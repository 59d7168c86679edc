"""Each thing that can be wrong in a house is made wrong for real, and the doctor finds it and says what to do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from faults.small_disk import small_disk
from live import OWNER, Live, ShiftedClock, failing, live, picture_bytes, refuse
from ports import kept_ports
from program import program, run

from imageserver import Unreachable
from imageserver.certificates import make_certificate
from imageserver.clock import Clock
from imageserver.doctor import Finding, Report, Severity, examine
from imageserver.doctor.words import AREAS, FOUND, SEVERITIES
from imageserver.running import Running
from imageserver.testing import FakeClock
from imageserver.web import keys

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
QUIET = "disabled_providers: [atelier]\n"


def data_in(folder: Path, options: str = "") -> Path:
    """A data folder with these options, and a picture, so that a server has none to paint.

    Its port is any free one: nothing here depends on what else listens.
    """
    data, images = folder / "data", folder / "images"
    data.mkdir(exist_ok=True)
    images.mkdir(exist_ok=True)
    (images / "one.jpg").write_bytes(picture_bytes())
    (data / "options.yml").write_text("port: 0\n" * ("port:" not in options) + options, encoding="utf-8")
    return data


def looked_at(
    data: Path, clock: Clock | None = None, environment: Mapping[str, str] | None = None, *, offline: bool = True
) -> Report:
    return examine(
        data,
        clock=clock or FakeClock(now=NOW.timestamp()),
        environment=environment or {"TZ": "UTC"},
        language=lambda _: "en",
        is_offline=offline,
    )


def found(report: Report, what: str) -> Finding:
    """The one finding of this kind."""
    (one,) = [finding for finding in report.findings if finding.what == what]
    return one


def kinds(report: Report) -> set[str]:
    return {finding.what for finding in report.findings}


def snapshot(folder: Path) -> dict[str, object]:
    return {str(path): (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in folder.rglob("*")}


@contextmanager
def as_nobody() -> Iterator[None]:
    """This process has no more rights than anybody, where it had all."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(65_534, 65_534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others may look into; pytest's own they may not."""
    folder = Path(tempfile.mkdtemp(prefix="imageserver-doctor-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


async def test_a_house_in_order(tmp_path: Path) -> None:
    """Beside a running server all is good, code 0, as a page and as JSON; at rest the house is left untouched."""
    data = data_in(tmp_path)
    async with program(data) as server:
        await server.frame.picture("auto")
        code, out, err = await run("doctor", "--data", str(data), "--offline")
        assert (code, err) == (0, ""), out
        assert "is well" in " ".join(out.split())
        assert "127.0.0.1: seen" in out
        assert "Problems: 0." in out
        assert max(map(len, out.splitlines())) <= 110
        code, out, _ = await run("doctor", "--data", str(data), "--json")
        said = json.loads(out)
        odd = {finding["what"] for finding in said["findings"] if finding["severity"] not in ("good", "note")}
        assert (code, said["problems"]) == (0, 0)
        assert odd <= {"late_loop"}, "a busy machine may hold it up"
        assert {"area": "server", "severity": "good", "what": "alive"}.items() <= said["findings"][0].items()
        assert "provider_good" in {finding["what"] for finding in said["findings"]}, "the painter was asked"
        server.process.send_signal(signal.SIGTERM)
        await server.process.wait()
    before = snapshot(tmp_path)
    code, out, err = await run("doctor", "--data", str(data))
    assert (code, err) == (0, "")
    assert "No server runs" in out
    assert "127.0.0.1: seen" in out, "the journal says so"
    assert snapshot(tmp_path) == before


async def test_it_speaks_the_owners_language(tmp_path: Path) -> None:
    """Russian where the options say so."""
    data = data_in(tmp_path, "language: ru\n")
    _, out, _ = await run("doctor", "--data", str(data), "--offline")
    page = " ".join(out.split())
    assert "не запущен" in page
    assert "Ни одна рамка ещё не обращалась" in page


def test_every_word_is_there_in_both_languages() -> None:
    """Sentences and remedies have the same facts in both, and a remedy in one has one in the other."""
    for what, texts in FOUND.items():
        assert set(texts) == {"en", "ru"}, what
        for place in (0, 1):
            fields = [sorted(_fields(texts[language][place])) for language in ("en", "ru")]
            assert fields[0] == fields[1], what
        assert bool(texts["en"][1]) == bool(texts["ru"][1]), what
    assert all(set(words) == {"en", "ru"} for words in AREAS.values())
    assert all(set(words) == {str(one) for one in Severity} for words in SEVERITIES.values())


def _fields(text: str) -> set[str]:
    return {piece.partition("}")[0] for piece in text.split("{")[1:]}


def test_no_folder_no_options(tmp_path: Path) -> None:
    """Where no server ever was, that is said, and nothing is made."""
    report = looked_at(tmp_path / "nowhere")
    assert {"no_data", "no_options", "no_frames"} <= kinds(report)
    assert list(tmp_path.iterdir()) == []


def test_wrong_options_and_prompts(tmp_path: Path) -> None:
    """Every mistake with its line, and never what stands in quotes there: it may be a key in the wrong place."""
    data = data_in(tmp_path, 'port: "my-secret-key"\nimage_amount_min: 5\nimage_amount_max: 1\n')
    (data / "prompts.yaml").write_text("prompts:\n- {idx: 1, prompt: '[[colour]]'}\n")
    report = looked_at(data)
    wrong = [finding for finding in report.findings if finding.what == "option_wrong"]
    assert [str(one.facts["where"]) for one in wrong] == ["options.yml:1", "options.yml:2"]
    assert "my-secret-key" not in str(report)
    assert found(report, "prompt_wrong").facts["where"] == "prompts.yaml:2"
    assert report.exit_code == 1


def test_a_folder_that_cannot_be_written(open_folder: Path) -> None:
    """The very line to type, judged with the rights of whoever asks."""
    data = data_in(open_folder)
    assert "folder_good" in kinds(looked_at(data))
    data.chmod(0o555)
    with as_nobody():
        report = looked_at(data)
        wrong = [finding.says("en") for finding in report.findings if finding.what == "folder_wrong"]
        assert any(f"sudo chown -R {os.getuid()}:{os.getgid()} {data}" in sentence for sentence in wrong)
    data.chmod(0o755)
    assert report.exit_code == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder to somebody else")
def test_whose_eyes_these_are(open_folder: Path) -> None:
    """Root is told that its rights say nothing about the server's; another user that the folder is closed."""
    data = data_in(open_folder)
    os.chown(data, 12_345, 12_345)
    assert found(looked_at(data), "as_root").facts["owner"] == 12_345
    data.chmod(0o700)
    with as_nobody():
        report = looked_at(data)
    assert "sudo -u '#12345' imageserver doctor" in found(report, "closed_data").remedy("en")
    assert report.exit_code == 1


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the reserve it is a problem, for nothing is bought any more; a little above it a warning."""
    with small_disk() as disk:
        report = looked_at(data_in(disk.folder))
        assert found(report, "disk_full").facts["free"] == f"{disk.free() // 1024**2} MiB"
        assert report.exit_code == 1
    data = data_in(tmp_path)
    assert "disk_good" in kinds(looked_at(data))
    monkeypatch.setattr("imageserver.doctor.machine._LITTLE", 2**60)
    assert found(looked_at(data), "disk_low").severity is Severity.WARNING


@pytest.mark.parametrize(
    ("now", "what"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), "clock_past"),
        (datetime(2040, 1, 1, tzinfo=UTC), "clock_future"),
        (NOW, "clock_good"),
    ],
)
def test_the_clock(tmp_path: Path, now: datetime, what: str) -> None:
    """A Pi that boots in 1970, a clock that is years ahead, and one that is right."""
    report = looked_at(data_in(tmp_path), FakeClock(now=now.timestamp()))
    assert kinds(report) & {"clock_past", "clock_future", "clock_good", "clock_behind"} == {what}
    assert report.exit_code == (what == "clock_past")


def test_a_zone_that_nobody_knows(tmp_path: Path) -> None:
    """TZ with a typing error is a warning: everything would happen at the wrong hour."""
    report = looked_at(data_in(tmp_path), environment={"TZ": "Europe/Moskow"})
    assert found(report, "zone_unknown").severity is Severity.WARNING


def test_a_port_that_somebody_else_has(tmp_path: Path) -> None:
    """Who has it is named; one that is free is good."""
    with kept_ports(1) as [port]:
        data = data_in(tmp_path, f"host: 127.0.0.1\nport: {port}\n")
        with socket.create_server(("127.0.0.1", port)):
            taken = found(looked_at(data), "port_taken")
        assert f"(process {os.getpid()})" in str(taken.facts["who"])
        assert f"Port {port}" in taken.says("en")
        assert found(looked_at(data), "port_free").facts["port"] == port


async def test_ports_of_a_running_server(tmp_path: Path) -> None:
    """Its own port is good. One that was written down since it started is not: it needs a restart."""
    data = data_in(tmp_path)
    with kept_ports(1) as [free]:
        async with program(data) as server:
            data_in(tmp_path, f"host: 127.0.0.1\nport: {server.port}\nframes: {{hall: {{port: {free}}}}}\n")
            report = await asyncio.to_thread(looked_at, data)
            code, out, _ = await run("doctor", "--data", str(data), "--offline")
            data_in(tmp_path, "port: 1\n")
            other = await asyncio.to_thread(looked_at, data)
    assert (code, "does not listen there" in " ".join(out.split())) == (0, True), "a warning is no problem"
    assert found(other, "port_other").facts == {"port": server.port, "written": 1}
    assert found(report, "port_good").facts["port"] == server.port
    assert found(report, "port_silent").facts["option"] == "frames.hall.port"


@pytest.mark.parametrize(
    ("days", "what", "severity"),
    [(10, "cert_over", "problem"), (40, "cert_soon", "warning"), (400, "cert_good", "good")],
)
def test_the_certificates_end(tmp_path: Path, days: int, what: str, severity: str) -> None:
    """One that ended, one that ends within a month, and a good one."""
    made = datetime(2026, 11, 5, tzinfo=UTC)
    make_certificate(tmp_path / "certs", names=["frames.lan"], addresses=[], now=made, days=days)
    assert str(found(looked_at(data_in(tmp_path)), what).severity) == severity


def test_a_certificate_without_its_key(tmp_path: Path) -> None:
    """The sentence that a start would say."""
    make_certificate(tmp_path / "certs", names=["frames.lan"], addresses=[], now=NOW)
    (tmp_path / "certs" / "key.pem").unlink()
    assert "no key.pem beside it" in found(looked_at(data_in(tmp_path)), "cert_broken").says("en")


def test_providers_and_plugins(tmp_path: Path) -> None:
    """Each provider's free check is made; a plugin that cannot be loaded is named with its line."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "broken.py").write_text("import imageserver\nraise ValueError('no')\n")
    data = data_in(tmp_path, "plugins_dir: ../plugins\nproviders: {yandexart: {}}\n")
    report = looked_at(data, offline=False)
    assert found(report, "provider_wrong").facts["code"] == "yandexart"
    assert found(report, "provider_good").facts["code"] == "atelier"
    assert "broken" in found(report, "plugin_wrong").says("en")
    assert "provider_wrong" not in kinds(looked_at(data)), "offline nobody is asked"


def test_a_journal_of_a_newer_version(tmp_path: Path) -> None:
    """It is refused as at a start, and left as it is."""
    data = data_in(tmp_path)
    with contextlib.closing(sqlite3.connect(data / "journal.sqlite")) as journal:
        journal.execute("PRAGMA user_version=9999")
        journal.execute("CREATE TABLE jobs (id)")
        journal.commit()
    before = snapshot(data)
    assert "newer version" in found(looked_at(data), "journal_refused").says("en")
    assert snapshot(data) == before


async def test_a_server_that_stands_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds its folder and does not answer."""
    monkeypatch.setattr("imageserver.doctor.examination._SECONDS", 0.5)
    data = data_in(tmp_path)
    async with program(data) as server:
        server.process.send_signal(signal.SIGSTOP)
        report = await asyncio.to_thread(looked_at, data)
        server.process.send_signal(signal.SIGCONT)
        assert report.exit_code == 1
        assert "Restart it" in found(report, "mute").remedy("en")
        server.process.kill()
        await server.process.wait()
    assert "not_running" in kinds(await asyncio.to_thread(looked_at, data)), (
        "it was killed, and its note is still there"
    )


async def visit(server: Live, times: int, every: float) -> None:
    """A frame comes so often, every so many seconds, and takes its picture."""
    for _ in range(times):
        await server.done((await server.start(type="old"))["id"])
        server.clock.shift += every


def seen_by(server: Live) -> Report:
    """The doctor beside a server of this process."""
    Running(url=f"http://127.0.0.1:{server.port}", token=OWNER["Authorization"].removeprefix("Bearer ")).write(
        server.data
    )
    return looked_at(server.data, server.clock)


async def test_frames(tmp_path: Path) -> None:
    """One that comes, one that is late, one that never came, and two behind one address."""
    options = QUIET + "port: 0\nframes: {hall: {port: 18123}}\n"
    async with live(tmp_path, options=options, stored=2, clock=ShiftedClock()) as server:
        await visit(server, 6, 600)
        report = await asyncio.to_thread(seen_by, server)
        assert found(report, "frame_good").says("en") == (
            "127.0.0.1: seen 10 min ago, comes every 10 min; last two days: 6 visits, 6 pictures taken."
        )
        assert found(report, "frame_unseen").facts["frame"] == "hall"
        server.clock.shift += 40 * 3600
        report = await asyncio.to_thread(seen_by, server)
        assert "comes every 10 min and was seen 40 h ago" in found(report, "frame_late").says("en")
        for _ in range(3):  # two frames at one address: each goes on with its own operation
            first, second = await server.start(type="old"), await server.start(type="old")
            await server.result(first["id"])
            await server.result(second["id"])
        report = await asyncio.to_thread(seen_by, server)
        assert "a port of its own under `frames:`" in found(report, "frame_shared").remedy("en")
    report = await asyncio.to_thread(looked_at, server.data, server.clock)
    assert "frame_shared" in kinds(report), "the journal knows it at rest"
    assert "frame_late" not in kinds(report), "while no server runs nobody can come"


async def test_a_frame_that_shows_cards(tmp_path: Path) -> None:
    """Nothing is stored and nobody paints: it is told how often it saw a card instead of a picture."""
    async with live(tmp_path, options=QUIET + "port: 0\n", clock=ShiftedClock()) as server:
        await visit(server, 6, 600)
        report = await asyncio.to_thread(seen_by, server)
    assert "a card instead of a picture 6 times out of 6" in found(report, "frame_cards").says("en")


async def test_what_the_running_server_knows(tmp_path: Path) -> None:
    """A part that is dead, what was started again, and a provider that failed, with its last words."""
    kind = failing(refuse(Unreachable, "the service is down"), paid=False)
    async with live(tmp_path, kind, options=QUIET + "port: 0\n", stored=1) as server:
        wish = await server.start(type="provider", provider="failing")
        await server.ended(wish["id"])
        supervisor = server.app[keys.OPTIONS]._crew._supervisor
        supervisor.restarts["worker 1"] = 2
        supervisor._running["worker 1"].cancel()
        await asyncio.gather(supervisor._running["worker 1"], return_exceptions=True)
        report = await asyncio.to_thread(seen_by, server)
    assert found(report, "not_alive").facts["names"] == "worker 1"
    assert found(report, "restarts").facts["names"] == "worker 1 (2)"
    assert "the service is down" in found(report, "provider_error").says("en")
    assert report.exit_code == 1


def test_a_check_that_breaks_off_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the page comes all the same, and what it raised is masked like a stranger's words."""

    def breaks(_: object) -> None:
        raise RuntimeError("token=abcdef123")

    monkeypatch.setattr("imageserver.doctor.examination.look_at_disks", breaks)
    report = looked_at(data_in(tmp_path))
    assert found(report, "not_looked_at").facts["why"] == "RuntimeError: token=***"
    assert "versions" in kinds(report)


def test_the_age_of_the_snapshot(tmp_path: Path) -> None:
    """Young beside the journal it is good; days older than the journal it is worth a word; none is not spoken of."""
    data = data_in(tmp_path)
    assert not kinds(looked_at(data)) & {"snapshot_good", "snapshot_old"}
    for name in ("journal.sqlite", "journal.sqlite-snapshot"):
        (data / name).touch()
        os.utime(data / name, (NOW.timestamp() - 3 * 3600,) * 2)
    assert found(looked_at(data), "snapshot_good").says("en").endswith("is 3 h old.")
    os.utime(data / "journal.sqlite-snapshot", (NOW.timestamp() - 5 * 86_400,) * 2)
    assert found(looked_at(data), "snapshot_old").severity is Severity.WARNING
