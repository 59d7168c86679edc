"""`imageserver frame --swarm`: its options, what this machine must allow, Ctrl-C, and the exit code."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from program import environment

from imageserver.cli import main
from imageserver.frame_client import command, swarm_command
from imageserver.frame_client.command import frame_command
from imageserver.frame_client.options import SwarmOptions
from imageserver.frame_client.swarm_sockets import Sockets, SwarmImpossible, check_ports, source
from imageserver.testing import FakeClock

from .fakes import PATIENT, Request, chunked, drawn, jpeg_of, plain, result_json, serve, serve_bytes, started_json
from .swarm_parts import Pace, needs_addresses, options

STARTED = plain(started_json())
DONE = chunked(result_json(jpeg_of(drawn())))


@pytest.mark.parametrize(
    ("arguments", "sentences"),
    [
        (["--save", "a.png", "--stock", "--watch"], ["--swarm does not go with --stock, --save, --watch"]),
        (["--as", "kitchen", "--sheet", "a.png"], ["--swarm does not go with --as, --sheet"]),
        (["--timeout", "300"], ["--swarm does not go with --timeout"]),
        (["--prompt", "a fox", "--negative", "x", "--provider", "y"], ["go with --provider, --prompt, --negative"]),
        (["--fast", "--size", "1x1", "--save-jpeg", "a.jpg"], ["go with --save-jpeg, --fast, --size"]),
        (["--style", "a", "--key", "b"], ["go with --style, --key"]),
        (["--type", "ydart", "--every", "30"], ["auto or old, not for ydart", "--every must be more than 30"]),
        (["--abort", "1.5"], ["1.5 is not in the range"]),
    ],
)
def test_what_makes_no_sense_beside_a_swarm_is_refused(arguments: list[str], sentences: list[str]) -> None:
    """Every mistake at once, with exit code 2 and before anything is asked."""
    done = CliRunner().invoke(frame_command, ["127.0.0.1:9", "--swarm", "5", *arguments])
    assert done.exit_code == 2
    for sentence in sentences:
        assert sentence in " ".join(done.output.split())


def test_what_belongs_to_a_swarm_needs_one() -> None:
    """One frame has no --for, no --abort and no --seed."""
    done = CliRunner().invoke(frame_command, ["127.0.0.1:9", "--for", "9", "--seed", "1", "--abort", "0"])
    assert done.exit_code == 2
    assert "without --swarm there is no --for, --abort, --seed" in " ".join(done.output.split())


async def told(port: int, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    """The command against a server of the test, for almost two minutes that do not pass."""
    monkeypatch.setattr(swarm_command, "SystemClock", lambda: clock)
    monkeypatch.setattr(command, "SwarmOptions", partial(SwarmOptions, limits=PATIENT))
    words = ["frame", f"127.0.0.1:{port}", "--swarm", "2", "--for", "115", *arguments]
    # A thread, because the command brings an event loop of its own.
    running = asyncio.create_task(asyncio.to_thread(CliRunner().invoke, main, words))
    await clock.until_sleeping(4)  # two frames, whoever tells, and whoever ends it
    await Pace(clock).go_on(114.9, 4)
    await clock.advance(0.2)
    return await running


@needs_addresses
async def test_a_good_server_ends_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """The beginning, a line every ten seconds, the table."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(STARTED if request.line.startswith("POST") else DONE)

    async with serve(answer) as fake:
        done = await told(fake.port, FakeClock(), monkeypatch, "--seed", "1", "--abort", "0", "--type", "old")
    text = done.output
    assert done.exit_code == 0
    assert text.rstrip().endswith("No frame would have failed.")
    assert "2 frames at 127.0.0.1 port" in text
    assert 'from 127.1.0.1 to 127.1.0.2. Each asks for "old" every 60 s' in text
    assert "--seed 1" in text
    assert sum("failures so far" in line for line in text.splitlines()) == 11


async def test_a_bad_server_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what failed in the table."""
    async with serve_bytes(plain("{}", status="503 Busy")) as fake:
        done = await told(fake.port, FakeClock(), monkeypatch, "--seed", "1")  # both begin within the first 55 s
    assert done.exit_code == 1
    assert "4 × start: an HTTP status that is no success; the frame shows nothing new" in done.output
    assert done.output.rstrip().endswith("Real frames would have failed.")


def _as_in_a_terminal() -> None:
    # What a shell starts in its background ignores Ctrl-C, and hands that on: these tests may be run like that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def test_ctrl_c_still_tells_the_table() -> None:
    """Whoever interrupts the real program gets the table and an exit code; nothing was asked yet, so it is 1."""
    async with serve_bytes(STARTED) as fake:
        # One frame that begins after 52 s with this seed.
        command = ["-m", "imageserver", "frame", f"127.0.0.1:{fake.port}", "--swarm", "1", "--seed", "5"]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stdout=PIPE,
            stderr=PIPE,
            env=environment(),
            preexec_fn=_as_in_a_terminal,
        )
        assert process.stdout is not None
        assert (await process.stdout.readline()).startswith(b"1 frame at 127.0.0.1 port")
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert process.returncode == 1
    assert b"No start was answered, so this says nothing." in out
    assert err == b""


def test_an_unknown_host_is_told() -> None:
    """Before anything else, as one sentence."""
    done = CliRunner().invoke(main, ["frame", "no-such-host.invalid", "--swarm", "3"])
    assert done.exit_code == 2
    assert "no-such-host.invalid has no address here" in done.output


def test_frames_have_addresses_of_their_own() -> None:
    """As many as there may be frames, all of them in 127.0.0.0/8, each once."""
    assert [source(number) for number in (0, 254, 255, 9_999)] == [
        "127.1.0.1", "127.1.0.255", "127.1.1.0", "127.1.39.16",
    ]  # fmt: skip
    assert source(99_999) == "127.2.134.160"


@needs_addresses
@pytest.mark.parametrize(("host", "has_own"), [("127.0.0.1", True), ("localhost", True), ("::1", False)])
def test_only_a_server_on_this_machine_sees_them(host: str, has_own: bool) -> None:
    """Other addresses than 127.… cannot be had."""
    if host == "::1" and not Path("/proc/net/if_inet6").exists():
        pytest.skip("this system has no IPv6")
    assert Sockets.found(options(8099, host=host)).has_own is has_own


@pytest.mark.parametrize(("frames", "every", "enough"), [(999, 60, True), (1001, 60, False), (1001, 120, True)])
def test_ports_of_one_address_must_suffice(tmp_path: Path, frames: int, every: float, enough: bool) -> None:
    """Each connection keeps its port for a minute; what is missing is said with what to do."""
    file = tmp_path / "range"
    file.write_text("30001\t32000\n")
    made = options(8099, frames=frames, every=float(every))
    if enough:
        check_ports(made, file)
    else:
        with pytest.raises(SwarmImpossible, match=r"1,001 frames need 2,002 ports .* 2,000\. .*ip_local_port_range"):
            check_ports(made, file)
    check_ports(made, tmp_path / "of-another-system")


@pytest.mark.parametrize(
    ("soft", "hard", "raised", "words"),
    [(500, 2000, 500, ""), (50, 2000, 164, ""), (50, 120, 120, "may open 120 files; if all frames waited")],
)
def test_the_limit_of_files_is_raised_as_far_as_it_goes(soft: int, hard: int, raised: int, words: str) -> None:
    """For a hundred frames, in a process of its own; what is missing is said."""
    code = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))\n"
        "from imageserver.frame_client.swarm_sockets import allow_files\n"
        "print(allow_files(100))\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said, limit = done.stdout.splitlines()
    assert int(limit) == raised
    assert words in said if words else said == "None"
