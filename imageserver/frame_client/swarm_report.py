"""What a swarm of frames tells: a line now and then, and a table at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from imageserver.frame_client.failure import (
    BrokenOff,
    FirstByteLate,
    FrameWouldFail,
    NoConnection,
    OperationFailed,
    PauseTooLong,
    PictureRefused,
    Refused,
)
from imageserver.frame_client.options import SwarmOptions
from imageserver.frame_client.swarm_counts import Counts, Spread, Step
from imageserver.frame_client.swarm_sockets import Sockets

_KINDS: Final = 10  # of failures that the table shows
_SHARES: Final = ((0.5, "p50"), (0.99, "p99"), (0.999, "p99.9"))
_WORDS: Final = {
    NoConnection.reason: "no connection",
    FirstByteLate.reason: "the first byte was late",
    PauseTooLong.reason: "a long pause inside the answer",
    BrokenOff.reason: "the connection ended before the answer did",
    Refused.reason: "an HTTP status that is no success",
    OperationFailed.reason: 'a result that says "error"',
    PictureRefused.reason: "a picture that the decoder refuses",
    FrameWouldFail.reason: "an answer that a frame cannot use",
}


def beginning(options: SwarmOptions, sockets: Sockets) -> str:
    """What is about to happen."""
    last = sockets.source(options.frames - 1)
    if last is None:
        where = "all from this machine's address, so the server takes them for one frame"
    else:
        where = f"from {sockets.source(0)}" + (f" to {last}" if options.frames > 1 else "")
    over = " over TLS" if options.tls else ""
    return (
        f"{_frames(options.frames)} at {options.host} port {options.port}{over}, {where}. Each asks for "
        f'"{options.type}" every {options.every:g} s and for the result 30 s later; {options.abort:.3g} of the '
        f"downloads are broken off; --seed {options.seed} begins them at the same moments again."
    )


def line(elapsed: float, now: Counts, total: Counts) -> str:
    """One span and, after it, the failures since the beginning."""
    both = Spread()
    for spread in now.first_bytes.values():
        both.include(spread)
    return (
        f"{elapsed:7.0f} s  {now.starts:,} starts, {now.pictures:,} pictures, {now.pending:,} pending, "
        f"{now.aborted:,} broken off; first byte p50 {_ms(both.percentile(0.5))}, p99 {_ms(both.percentile(0.99))}, "
        f"longest {_ms(both.longest)}; failures so far: {total.failed:,}"
    )


def table(options: SwarmOptions, total: Counts, *, elapsed: float, cpu: float) -> str:
    """Everything since the beginning. `cpu`: seconds that this program used."""
    return "\n".join(_table(options, total, elapsed, cpu))


def _table(options: SwarmOptions, total: Counts, elapsed: float, cpu: float) -> Iterator[str]:
    yield f"{'frames':<42}{options.frames:>12,}"
    for what, number in (
        ("starts", total.starts),
        ("results", total.results),
        ("… with a picture", total.pictures),
        ("… pending", total.pending),
        ("pictures not there at the next start", total.overtaken),
        ("downloads broken off on purpose", total.aborted),
        ("requests with which a frame failed", total.failed),
    ):
        yield f"{what:<42}{number:>12,}"
    yield f"{'received':<42}{total.received / 1e6:>9,.1f} MB"
    yield f"{'longest pause inside an answer':<42}{_ms(total.longest_pause):>12}"
    yield f"{'first byte':<18}" + "".join(f"{name:>12}" for name in (*(name for _, name in _SHARES), "longest"))
    for step in Step:
        spread = total.first_bytes[step]
        values = [*(spread.percentile(share) for share, _ in _SHARES), spread.longest]
        yield f"  of a {step.value:<13}" + "".join(f"{_ms(value) if spread.number else '–':>12}" for value in values)
    yield from _failures(total)
    used, late = cpu / elapsed if elapsed > 0 else 0.0, total.late
    yield (
        f"In {elapsed:,.0f} s this program used {used:.0%} of one core. It was itself late by {_ms(late.longest)} at "
        f"the most (p99 {_ms(late.percentile(0.99))}): times of that size may be its own and not the server's."
    )
    yield _verdict(total)


def _failures(total: Counts) -> Iterator[str]:
    kinds = sorted(total.failures.items(), key=lambda one: -one[1].times)
    for kind, failed in kinds[:_KINDS]:
        words = _WORDS.get(kind.reason, kind.reason)
        yield f"{failed.times:>9,} × {kind.step.value}: {words}; the frame shows {kind.suffers.value}"
        yield f"            {failed.example}"
    if rest := kinds[_KINDS:]:
        yield f"{sum(failed.times for _, failed in rest):>9,} × of {len(rest)} more kinds"


def _verdict(total: Counts) -> str:
    if total.failed:
        return "Real frames would have failed."
    return "No frame would have failed." if total.starts else "No start was answered, so this says nothing."


def _frames(number: int) -> str:
    return "1 frame" if number == 1 else f"{number:,} frames"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.1f} ms"
