"""The whole examination: every check in the order of the page. Changes nothing, and never breaks off."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from imageserver.clock import Clock
from imageserver.commands import check_prompts, look
from imageserver.config.folders import check_folders
from imageserver.config.model import Config
from imageserver.doctor.doors import look_at_certificate, look_at_ports
from imageserver.doctor.findings import Plain, Report, Span
from imageserver.doctor.house import ask_providers, look_at_frames, look_at_plugins, look_at_states
from imageserver.doctor.household import Household, JournalTooLarge, ask_server, read_at_rest
from imageserver.doctor.machine import (
    look_at_clock,
    look_at_disks,
    look_at_folders,
    look_at_versions,
    size_in_words,
)
from imageserver.doctor.notebook import Notebook
from imageserver.doctor.safekeeping import look_at_snapshot
from imageserver.doctor.secrets import discretion_of
from imageserver.errors import JournalRefused, Problem
from imageserver.extension_registry import select_extensions
from imageserver.frames import Frames
from imageserver.language import Language
from imageserver.lock import DataLock
from imageserver.registry import library_folders, with_todays_codes
from imageserver.running import NotRunning, Running
from imageserver.version import __version__

_CERTIFICATE = "cert_path: "  # how a problem begins that stands beside the ports
_LONG = 1.0  # seconds of standing still that are worth a word
_SECONDS = 10.0


def examine(
    data: Path,
    *,
    clock: Clock,
    environment: Mapping[str, str] = os.environ,
    language: Callable[[Config], Language],
    is_offline: bool = False,
) -> Report:
    """Look at everything. `is_offline`: no service is asked. Blocks, for a minute where services do not answer."""
    with _quietly():
        config, plugins, selection, problems = look(str(data), {})
        settings = [one.settings for one in selection.enabled]
        settings += [one.settings for one in select_extensions(plugins, config).enabled]
        notebook = Notebook(
            config=config,
            environment=environment,
            clock=clock,
            language=language(config),
            discreet=discretion_of(config, environment, settings),
        )
        todays, _ = with_todays_codes(plugins, config)
        folders = check_folders(todays, library_folders(selection))
        others = [one for one in problems if one not in folders and not one.message.startswith(_CERTIFICATE)]
        household, is_running, own = Household(), False, None
        with notebook.looking_at("server"):
            household, is_running, own = _look_at_server(notebook)
        with notebook.looking_at("options"):
            _look_at_options(notebook, others)
        with notebook.looking_at("folders"):
            look_at_folders(notebook, folders)
        with notebook.looking_at("folders"):
            look_at_disks(notebook)
        with notebook.looking_at("folders"):
            look_at_snapshot(notebook)
        with notebook.looking_at("clock"):
            look_at_clock(notebook, household.newest_purchase)
        with notebook.looking_at("ports"):
            look_at_ports(notebook, is_running=is_running, own=own)
        with notebook.looking_at("ports"):
            look_at_certificate(notebook)
        with notebook.looking_at("providers"):
            look_at_plugins(notebook, plugins)
            look_at_states(notebook, household)
        if not is_offline:
            with notebook.looking_at("providers"):
                ask_providers(notebook, plugins, selection)
        with notebook.looking_at("frames"):
            look_at_frames(notebook, household)
        with notebook.looking_at("versions"):
            look_at_versions(notebook)
    now = f"{datetime.fromtimestamp(clock.now(), clock.zone):%Y-%m-%d %H:%M}"
    return Report(title=f"ImageServer {__version__}, {now}", findings=tuple(notebook.findings))


@contextmanager
def _quietly() -> Iterator[None]:
    """What plugins and rooms log meanwhile is not masked, and stands in the findings anyway."""
    root, silence = logging.getLogger(), logging.NullHandler()
    root.addHandler(silence)  # without any handler warnings would go to standard error
    try:
        yield
    finally:
        root.removeHandler(silence)


def _look_at_server(notebook: Notebook) -> tuple[Household, bool, int | None]:
    """What a running server knows of the house, or its journal; whether one runs; on which port, where it says so."""
    data = notebook.data
    if not data.is_dir():
        notebook.warn("server", "no_data", data=data)
        return Household(), False, None
    if not os.access(data, os.R_OK | os.X_OK):
        notebook.wrong("server", "closed_data", data=data, owner=data.stat().st_uid)
        return Household(), False, None
    try:
        server = Running.find(data)
        health = asyncio.run(server.health(_SECONDS))
    except NotRunning:
        if DataLock(data).is_held():
            notebook.wrong("server", "mute", data=data)
            return Household(), True, None
        notebook.warn("server", "not_running", data=data)
        return _at_rest(notebook), False, None
    dead = ", ".join(health["not_running"])
    if dead or health["status"] != "ok":
        notebook.wrong("server", "not_alive", data=data, names=Plain(dead))
    else:
        notebook.good("server", "alive", data=data)
    if health["version"] != __version__:
        notebook.warn("server", "old_server", running=Plain(health["version"]), installed=Plain(__version__))
    if restarts := health["restarts"]:
        names = ", ".join(f"{name} ({count})" for name, count in restarts.items())
        notebook.warn("server", "restarts", names=Plain(names))
    if health["lost_notes"]:
        notebook.warn("server", "lost_notes", count=health["lost_notes"])
    if health.get("loop_lag", 0) > _LONG:
        notebook.warn("server", "late_loop", time=Span(health["loop_lag"]))
    household = Household()
    with notebook.looking_at("server"):
        household = ask_server(server)
    return household, True, urlsplit(server.url).port


def _at_rest(notebook: Notebook) -> Household:
    config = notebook.config
    try:
        return read_at_rest(notebook.data, Frames(config.options, config.frames))
    except JournalTooLarge as error:
        notebook.note("server", "journal_large", size=Plain(size_in_words(error.size)))
    except JournalRefused as error:
        notebook.wrong("server", "journal_refused", why=notebook.discreet.strangers(str(error)))
    return Household()


def _look_at_options(notebook: Notebook, problems: list[Problem]) -> None:
    file = notebook.config.options_file
    for problem in problems:
        notebook.wrong("options", "option_wrong", where=problem.where, why=notebook.discreet.problem(problem.message))
    if not problems and file.exists():
        notebook.good("options", "options_good", file=Plain(file.name))
    elif not problems:
        notebook.note("options", "no_options", file=Plain(file.name))
    wrong = check_prompts(notebook.config) if notebook.data.is_dir() else []
    for problem in wrong:
        notebook.warn("options", "prompt_wrong", where=problem.where, why=notebook.discreet.problem(problem.message))
    if not wrong:
        notebook.good("options", "prompts_good")
