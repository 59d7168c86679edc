"""Copies of the journal for backups, and the owner's word about its counters."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from pathlib import Path

from aiohttp import web

from imageserver.journal import Damaged
from imageserver.web.answers import error_answer, json_answer
from imageserver.web.counting import COUNTERS
from imageserver.web.keys import CLOCK, JOURNAL, OPTIONS, SIGHTINGS, STORE, TILL

_COPY = ".journal-copy-"
_FORGOTTEN = 24 * 3600.0  # seconds after which nobody comes any more for a copy: its backup was killed


async def confirm_counters(request: web.Request) -> web.Response:
    """POST /api/v1/counters/confirm: what was bought is counted right, or right enough; what is paid may be asked."""
    return json_answer({"confirmed": await request.app[TILL].confirm()})


async def copy_journal(request: web.Request) -> web.Response:
    """POST /api/v1/journal/copy: a verified copy beside the journal, for `imageserver backup`, which takes it away."""
    journal, options = request.app[JOURNAL], request.app[OPTIONS].options
    copy = journal.path.with_name(f"{_COPY}{secrets.token_hex(8)}.sqlite")
    await asyncio.to_thread(_sweep, journal.path.parent, request.app[CLOCK].now() - _FORGOTTEN)
    request.app[SIGHTINGS].write()  # what is still in memory
    await request.app[COUNTERS].write_down()
    try:
        await journal.copy_to(copy)
    except (OSError, Damaged) as error:
        return error_answer(409, "not_copied", f"the journal cannot be copied: {error}")
    return json_answer(
        {
            "copy": str(copy),
            "image_path": str(request.app[STORE].folder),
            "plugins_dir": str(options.plugins_dir),
            "cert_path": str(options.cert_path),
        }
    )


def _sweep(folder: Path, before: float) -> None:
    for copy in folder.glob(f"{_COPY}*"):
        with contextlib.suppress(FileNotFoundError):  # its backup took it away
            if copy.stat().st_mtime < before:
                copy.unlink()
