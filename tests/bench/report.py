"""The figures as tables for docs/performance.md, target beside figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from .growth import Cost
from .rounds import Summary

Summaries = Mapping[str, Summary]


@frozen
class Row:
    """One line of the first table: what, its target, and the name of the case and figure that answer it."""

    what: str
    target: str
    case: str
    figure: str = "per_second"
    form: str = "{:,.0f} a second"


_CPU = "{:,.1f} ms of CPU"

ROWS = (
    Row("start(old)+result pairs, 8 clients, 40 KB pictures", "≥ 1,000 a second", "pairs"),
    Row("… 120 KB pictures, more than memory keeps", "none", "pairs of 120 KB"),
    Row("… the peer's", "none", "the peer's pairs"),
    Row("one finished result of 40 KB, 16 connections", "≥ 3,000 a second", "result"),
    Row("… the bare aiohttp handler", "none", "bare"),
    Row("… all the load client can take", "none", "client alone"),
    Row("… the peer's", "none", "the peer's result"),
    Row("… over TLS", "≥ 1,200 a second", "result, TLS"),
    Row("… the bare aiohttp handler over TLS", "none", "bare, TLS"),
    Row("… all the load client can take over TLS", "none", "client alone, TLS"),
    Row("… over TLS with 512-byte records", "≥ 400 a second", "result, 512-byte records"),
    Row("… the bare aiohttp handler with 512-byte records", "none", "bare, 512-byte records"),
    Row("rendition of a new 1024×1024 original, render: fast", "≤ 12 ms of CPU", "rendition, fast", "cpu_ms", _CPU),
    Row("… render: panel", "≤ 60 ms of CPU", "rendition, panel", "cpu_ms", _CPU),
    Row(
        "first byte while every worker renders, made before, p50", "none", "while rendering", "first_p50", "{:,.0f} ms"
    ),
    Row("… p99", "none", "while rendering", "first_p99", "{:,.0f} ms"),
    Row("… p99.9", "≤ 100 ms", "while rendering", "first_p99.9", "{:,.0f} ms"),
    Row("… one picture that memory keeps, p50", "none", "while rendering, hot", "first_p50", "{:,.0f} ms"),
    Row("… p99", "none", "while rendering, hot", "first_p99", "{:,.0f} ms"),
    Row("… p99.9", "≤ 100 ms", "while rendering, hot", "first_p99.9", "{:,.0f} ms"),
    Row("… and two providers flood, starts and results, p50", "none", "everything at once", "any_p50", "{:,.0f} ms"),
    Row("… p99", "none", "everything at once", "any_p99", "{:,.0f} ms"),
    Row("… p99.9", "≤ 100 ms", "everything at once", "any_p99.9", "{:,.0f} ms"),
    Row("… the longest gap inside an answer", "≤ 500 ms", "everything at once", "gap", "{:,.0f} ms"),
    Row("1,000 frames, a pair a minute each: share of one core", "≤ 10 %", "frames, 1,000", "server_share", "{:.1%}"),
    Row("… p99 of the first byte", "none", "frames, 1,000", "first_p99", "{:,.1f} ms"),
    Row("… requests with which a frame would have failed", "0", "frames, 1,000", "failed", "{:,.0f}"),
    Row("… memory of the server", "none", "frames, 1,000", "rss", "{:.0f} MB"),
    Row(
        "10,000 frames, a pair a minute each: share of one core", "≤ 100 %", "frames, 10,000", "server_share", "{:.1%}"
    ),
    Row("… p50 of the first byte", "none", "frames, 10,000", "first_p50", "{:,.1f} ms"),
    Row("… p99 of the first byte", "≤ 200 ms", "frames, 10,000", "first_p99", "{:,.1f} ms"),
    Row("… p99.9 of the first byte", "none", "frames, 10,000", "first_p99.9", "{:,.1f} ms"),
    Row("… requests with which a frame would have failed", "0", "frames, 10,000", "failed", "{:,.0f}"),
    Row("… memory of the server", "none", "frames, 10,000", "rss", "{:.0f} MB"),
    Row(
        "the gallery of 10,000 pictures: its page, the first after a start",
        "≤ 300 ms",
        "pages",
        "page_ms",
        "{:,.0f} ms",
    ),
    Row("… asked for again", "none", "pages", "again_ms", "{:,.0f} ms"),
    Row("… the first with all its 48 thumbnails, over 6 connections", "none", "pages", "all_ms", "{:,.0f} ms"),
    Row("… CPU of the server for all that", "none", "pages", "all_cpu_ms", "{:,.0f} ms"),
    Row("… bytes on the wire of all that", "≤ 1,500 KB", "pages", "kilobytes", "{:,.0f} KB"),
    Row("… a page whose thumbnails are all to be made", "none", "pages", "unseen_ms", "{:,.0f} ms"),
    Row("from a wish to its first progress", "≤ 1,000 ms", "pages", "progress_ms", "{:,.0f} ms"),
    Row("… the longest of ten", "none", "pages", "longest_progress_ms", "{:,.0f} ms"),
    Row("memory, idle", "≤ 60 MB", "memory", "idle", "{:.0f} MB"),
    Row("memory, peak", "≤ 160 MB", "memory", "peak", "{:.0f} MB"),
    Row("start to first answer, 1,000 pictures", "≤ 0.8 s", "again, 1,000", "seconds", "{:.2f} s"),
    Row("… the first start of all", "none", "first, 1,000", "seconds", "{:.2f} s"),
    Row("start to first answer, 100,000 pictures", "≤ 3 s", "again, 100,000", "seconds", "{:.2f} s"),
    Row("… the first start of all", "none", "first, 100,000", "seconds", "{:.2f} s"),
)


def table(found: Summaries) -> str:
    """Target beside figure; rows whose case was not measured are left out."""
    heads = ("what", "target", "figure", "server CPU ms each", "client CPU", "others' CPU", "rounds")
    return _markdown(heads, _lines(found))


def _lines(found: Summaries) -> Iterator[Sequence[str]]:
    for row in ROWS:
        if row.case not in found:
            continue
        one = found[row.case]
        cpu, client = one.figures.get("server_ms"), one.figures.get("client_share")
        yield (
            row.what,
            row.target,
            row.form.format(one.figures[row.figure]),
            f"{cpu:.2f}" if cpu else "",
            "" if client is None else f"{client:.0%}",
            "" if one.foreign is None else f"{one.foreign:.0%}",
            rounds(one),
        )


def rounds(one: Summary) -> str:
    """How many count, how many of these were noisy, and how many were thrown away."""
    noisy = f", {one.noisy} noisy" if one.noisy else ""
    return f"{one.rounds}{noisy}" + (f" ({one.thrown_away} thrown away)" if one.thrown_away else "")


def shares(found: Summaries) -> str:
    """The server as a share of the bare handler: by the clock, and by CPU for each answer, where noise counts less."""
    lines = []
    for ours, bare in (
        ("result", "bare"),
        ("result, TLS", "bare, TLS"),
        ("result, 512-byte records", "bare, 512-byte records"),
    ):
        if ours in found and bare in found:
            rate = found[ours].figures["per_second"] / found[bare].figures["per_second"]
            cpu = found[bare].figures["server_ms"] / found[ours].figures["server_ms"]
            lines.append((ours, f"{rate:.2f}", f"{cpu:.2f}"))
    return _markdown(("beside the bare handler (target 0.8)", "by the clock", "by CPU"), lines)


def growth_table(costs: Mapping[int, Mapping[str, Cost]]) -> str:
    """One line for each doing, one group of columns for each size of the store."""
    heads = ["each", *(f"{stored:,}: ms, CPU ms, statements" for stored in costs)]
    doings = next(iter(costs.values()))
    return _markdown(heads, [[doing, *(_cost(of[doing]) for of in costs.values())] for doing in doings])


def _cost(one: Cost) -> str:
    if one.megabytes is not None:
        return f"{one.megabytes:.0f} MB"
    return ", ".join(f"{figure:.3g}" for figure in (one.ms, one.cpu_ms, one.statements) if figure is not None)


def _markdown(heads: Sequence[str], lines: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
