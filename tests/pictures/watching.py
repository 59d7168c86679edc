"""What a piece of code asks of SQLite and of the disk: counted, not timed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define, field

from imageserver.journal import Journal

_AROUND = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
_EVENTS = {"os.listdir", "os.scandir", "os.remove", "os.rmdir", "os.mkdir", "os.rename", "open"}


@define
class Doings:
    """Statements in their order, with their values, and what was done to files below a folder."""

    folder: Path
    statements: list[str] = field(factory=list)
    files: list[tuple[str, str]] = field(factory=list)  # event and path

    def kinds(self) -> Counter[str]:
        """How often each kind of thing was done to files."""
        return Counter(event for event, _path in self.files)

    def queries(self) -> list[str]:
        """Statements without those around transactions: how many go into one transaction is a matter of chance."""
        return [text for text in self.statements if not text.startswith(_AROUND)]


_watching: list[Doings] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event in _EVENTS:
        path = str(arguments[0])
        for doings in _watching:
            if path.startswith(str(doings.folder)):
                doings.files.append((event, path))


_hooks: list[object] = []


@asynccontextmanager
async def watched(journal: Journal, folder: Path) -> AsyncIterator[Doings]:
    """Everything from here on until the block ends, in all threads."""
    if not _hooks:  # an audit hook stays for as long as the process lives
        sys.addaudithook(_hook)
        _hooks.append(_hook)
    doings = Doings(folder)
    # Reads take their turn behind all that was given before, so posts of before are not seen and those of within are.
    await journal._database.read(lambda connection: connection.set_trace_callback(doings.statements.append))
    _watching.append(doings)
    try:
        yield doings
    finally:
        _watching.remove(doings)
        await journal._database.read(lambda connection: connection.set_trace_callback(None))


async def plans(journal: Journal, statements: list[str]) -> list[str]:
    """How SQLite goes about these statements: the lines of its query plans."""
    return await journal._database.read(
        lambda connection: [
            str(row[3]) for text in statements for row in connection.execute(f"EXPLAIN QUERY PLAN {text}").fetchall()
        ]
    )
