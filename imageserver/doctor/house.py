"""Who paints and who shows: providers, plugins and frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define

from imageserver.commands import check_providers
from imageserver.doctor.findings import Plain, Span
from imageserver.doctor.household import Household
from imageserver.doctor.notebook import Facts, Notebook
from imageserver.doctor.words import DAYS, USUALLY, span_in
from imageserver.plugins import Plugins
from imageserver.registry import LAST_RESORT, Selection

_RECENT = 2 * 86_400.0  # seconds; the journal keeps jobs for as long
_MANY = 20  # frames that are told one by one where nothing is wrong with them
_FEW = 5  # pictures; before that a share says nothing
_WELL = ("ready", "last resort", "starting", "off")


def look_at_plugins(notebook: Notebook, plugins: Plugins) -> None:
    """Plugins that could not be loaded."""
    for record in plugins.records:
        if record.reason:
            why = notebook.discreet.strangers(record.advice)
            notebook.warn("providers", "plugin_wrong", name=record.name, why=why)


def ask_providers(notebook: Notebook, plugins: Plugins, selection: Selection) -> None:
    """Each provider's own free check."""
    said = check_providers(notebook.config, plugins, selection)
    for code, missing in said:
        if missing is None:
            notebook.good("providers", "provider_good", code=code)
        else:
            notebook.wrong("providers", "provider_wrong", code=code, why=notebook.discreet.strangers(missing))
    if all(code == LAST_RESORT for code, _ in said):
        notebook.note("providers", "no_providers")


def look_at_states(notebook: Notebook, household: Household) -> None:
    """What the running server says of its providers."""
    now = notebook.clock.now()
    for line in household.plugins.get("providers", []):
        code, why = line["code"], notebook.discreet.strangers(line["reason"])
        if line["status"] not in _WELL or (why and line["status"] == "ready"):
            # paused is one that rests after a failure, or sleeps in its hours: it comes back by itself
            tell = notebook.note if line["status"] == "paused" else notebook.warn
            tell("providers", "provider_state", code=code, state=Plain(line["status"]), why=why)
        at = line.get("error_at")
        if line.get("error") and at is not None and 0 <= now - at < _RECENT:
            error = notebook.discreet.strangers(line["error"])
            notebook.note("providers", "provider_error", code=code, time=Span(now - at), why=error)


@define(kw_only=True)
class _Days:
    """What came of a frame's visits in the last two days."""

    asked: int = 0
    fetched: int = 0
    cards: int = 0


def look_at_frames(notebook: Notebook, household: Household) -> None:
    """Each frame's last days, and two behind one address."""
    frames = household.frames
    if all(frame["last_seen"] is None for frame in frames):
        notebook.note("frames", "no_frames")
    days = _by_frame(household.jobs, notebook.clock.now() - _RECENT)
    well = 0
    for frame in frames:
        if _is_told(notebook, frame, days.get(frame["frame"], _Days()), silent=well >= _MANY):
            well += 1
    if well > _MANY:
        notebook.good("frames", "frames_more", count=well - _MANY)


def _is_told(notebook: Notebook, frame: dict[str, Any], days: _Days, *, silent: bool) -> bool:
    """Tell about one frame; True where nothing is wrong with it."""
    name, language = frame["frame"], notebook.language
    if frame["last_seen"] is None:
        notebook.warn("frames", "frame_unseen", frame=name)
        return False
    told = DAYS[language].format(asked=days.asked, fetched=days.fetched) if days.asked else ""
    usual = frame["usual_interval"]
    ago = Span(max(0.0, notebook.clock.now() - frame["last_seen"]))
    before = len(notebook.findings)
    if frame["late"]:
        facts: Facts = {"ago": ago, "usual": Span(usual or 0), "days": Plain(told)}
        notebook.warn("frames", "frame_late", frame=name, **facts)
    if frame["shared"]:
        notebook.warn("frames", "frame_shared", frame=name)
    everything = frame["fetched"] + frame["aborted"]
    if frame["aborted"] >= _FEW and frame["aborted"] * 5 > everything:
        notebook.warn("frames", "frame_aborts", frame=name, aborted=frame["aborted"], all=everything)
    if days.cards >= _FEW and days.cards * 5 > days.asked:
        notebook.warn("frames", "frame_cards", frame=name, cards=days.cards, all=days.asked)
    if len(notebook.findings) > before:
        return False
    if not silent:
        comes = USUALLY[language].format(usual=span_in(language, usual)) if usual else ""
        notebook.good("frames", "frame_good", frame=name, ago=ago, usually=Plain(comes), days=Plain(told))
    return True


def _by_frame(jobs: Sequence[dict[str, Any]], since: float) -> dict[str, _Days]:
    days: dict[str, _Days] = {}
    for job in jobs:
        if job["created"] >= since and job["frame"]:
            its = days.setdefault(job["frame"], _Days())
            its.asked += 1
            its.fetched += job["fetched"] is not None
            its.cards += job["card"] is not None and job["card"] not in ("black", "test")
    return days
