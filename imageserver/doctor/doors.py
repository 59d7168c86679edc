"""What the frames knock at: ports, who listens there, and the certificate."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

from imageserver.certificates import CertificateBroken, inspect_certificate, load_context
from imageserver.doctor.findings import Plain, Span
from imageserver.doctor.notebook import Facts, Notebook
from imageserver.doctor.words import NOBODY_KNOWS
from imageserver.listening import CannotListen, Door, open_doors
from imageserver.server import doors_of

_SECONDS = 5.0
_SOON = 30 * 86_400.0  # seconds before its end in which a certificate is worth a word
_LISTENING = "0A"  # a state in /proc/net/tcp


def look_at_ports(notebook: Notebook, *, is_running: bool, own: int | None) -> None:
    """Each port that the options name: whether ours listens there, nobody, or somebody else.

    `own` is the running server's first port, as it says itself.
    """
    for door in doors_of(notebook.config):
        if own is not None and door.option == "port" and door.port != own:
            notebook.note("ports", "port_other", port=own, written=door.port)
            continue
        if door.port == 0:
            continue  # any free one
        facts = _facts(door)
        listens = _listens(door)
        if listens == "nobody" and is_running:
            notebook.warn("ports", "port_silent", **facts)
        elif listens == "nobody":
            _try(notebook, door)
        elif listens == "ours" and is_running:
            notebook.good("ports", "port_good", **facts)
        else:
            who = _who_listens(door.port) or NOBODY_KNOWS[notebook.language]
            notebook.wrong("ports", "port_taken", **facts, who=who)


def look_at_certificate(notebook: Notebook) -> None:
    """Whether it can be used, and until when."""
    folder = notebook.config.options.cert_path
    try:
        context = load_context(folder)
    except CertificateBroken as error:
        notebook.wrong("ports", "cert_broken", why=notebook.discreet(str(error)))
        return
    found = inspect_certificate(folder)
    if context is None or found is None:
        notebook.good("ports", "cert_none")
        return
    left = (found.until - datetime.fromtimestamp(notebook.clock.now(), UTC)).total_seconds()
    until = Plain(str(found.until.date()))
    if left < 0:
        notebook.wrong("ports", "cert_over", until=until)
    elif left < _SOON:
        notebook.warn("ports", "cert_soon", until=until, time=Span(left))
    else:
        notebook.good("ports", "cert_good", until=until)


def _facts(door: Door) -> Facts:
    is_ours = not door.option.startswith("frames.")  # the name of a frame is its owner's
    return {"port": door.port, "option": Plain(door.option) if is_ours else door.option}


def _try(notebook: Notebook, door: Door) -> None:
    """Take the port for a moment, as a start would."""
    facts = _facts(door)
    try:
        sockets = open_doors([door])
    except CannotListen as error:
        notebook.wrong("ports", "port_refused", **facts, why=notebook.discreet(str(error)))
        return
    for sock in sockets:
        sock.close()
    notebook.good("ports", "port_free", **facts)


def _listens(door: Door) -> str:
    """`ours`, `other` or `nobody`."""
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(door.host, door.host)  # noqa: S104 - compared
    try:
        socket.create_connection((host, door.port), _SECONDS).close()
    except OSError:
        return "nobody"
    connection = http.client.HTTPConnection(host, door.port, timeout=_SECONDS)
    if door.tls_only:  # whose it is counts, not whom its certificate names
        context = ssl._create_unverified_context()  # noqa: S323
        connection = http.client.HTTPSConnection(host, door.port, timeout=_SECONDS, context=context)
    try:
        connection.request("GET", "/healthz")
        is_ours = "not_running" in json.loads(connection.getresponse().read(65_536))
    except (OSError, http.client.HTTPException, ValueError, TypeError):
        is_ours = False
    finally:
        connection.close()
    return "ours" if is_ours else "other"


def _who_listens(port: int) -> str:
    """The program that listens on a port, as far as the system tells us; empty where it does not."""
    inodes = {f"socket:[{inode}]" for inode in _inodes(port)}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(one) in inodes for one in (process / "fd").iterdir()):  # noqa: PTH115 - no file is there
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:  # another user's, or gone
            continue
    return ""


def _inodes(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
        except OSError:
            continue
        found |= {row[9] for row in rows if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port}
    return found - {"0"}
