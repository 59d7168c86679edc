"""Who may come in: the hash of the password, sessions and tokens. No secret itself is ever written here."""

from __future__ import annotations

import sqlite3

from attrs import field, frozen

from imageserver.journal.database import Database
from imageserver.journal.notes import write_note

_PASSWORD = "password_hash"  # noqa: S105 - the note's name


@frozen(kw_only=True)
class SessionRecord:
    """A person who has given the password. Times are seconds since 1970."""

    digest: str = field(repr=False)  # SHA-256 of the cookie's secret
    created: float
    last_seen: float  # to the day


@frozen(kw_only=True)
class TokenRecord:
    """A program's token."""

    name: str
    digest: str = field(repr=False)  # SHA-256 of it
    scopes: tuple[str, ...]
    created: float
    last_used: float | None  # to the hour


@frozen(kw_only=True)
class AccessRecord:
    """All of it, as a start reads it."""

    password_hash: str | None = field(repr=False)
    sessions: tuple[SessionRecord, ...]
    tokens: tuple[TokenRecord, ...]


class AccessRecords:
    """What the journal knows about who may come in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> AccessRecord:
        """Everything. Sessions in the order in which they were seen, the latest last."""

        def work(connection: sqlite3.Connection) -> AccessRecord:
            note = connection.execute("SELECT value FROM notes WHERE name = ?", (_PASSWORD,)).fetchone()
            sessions = connection.execute(
                "SELECT digest, created, last_seen FROM sessions ORDER BY last_seen, created"
            ).fetchall()
            tokens = connection.execute(
                "SELECT name, digest, scopes, created, last_used FROM tokens ORDER BY name"
            ).fetchall()
            return AccessRecord(
                password_hash=None if note is None else str(note[0]),
                sessions=tuple(
                    SessionRecord(digest=digest, created=created, last_seen=seen) for digest, created, seen in sessions
                ),
                tokens=tuple(
                    TokenRecord(
                        name=name, digest=digest, scopes=tuple(scopes.split()), created=created, last_used=last_used
                    )
                    for name, digest, scopes, created, last_used in tokens
                ),
            )

        return await self._database.read(work)

    async def set_password(self, password_hash: str) -> None:
        """A new password: everybody who is signed in by the old one is signed out with the same commit."""

        def work(connection: sqlite3.Connection) -> None:
            write_note(connection, _PASSWORD, password_hash)
            connection.execute("DELETE FROM sessions")

        await self._database.write(work)

    async def renew_hash(self, password_hash: str) -> None:
        """Another hash of the same password."""
        await self._database.write(lambda connection: write_note(connection, _PASSWORD, password_hash))

    async def add_session(self, session: SessionRecord, *, instead_of: tuple[str, ...] = ()) -> None:
        """Somebody has signed in; the sessions with the digests `instead_of` end."""

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM sessions WHERE digest = ?", [(digest,) for digest in instead_of])
            connection.execute(
                "INSERT INTO sessions (digest, created, last_seen) VALUES (?, ?, ?)",
                (session.digest, session.created, session.last_seen),
            )

        await self._database.write(work)

    def saw_session(self, digest: str, when: float) -> None:
        """It was used. Nobody waits for that."""
        self._database.post(
            lambda connection: connection.execute("UPDATE sessions SET last_seen = ? WHERE digest = ?", (when, digest))
        )

    async def end_sessions(self, digest: str | None = None) -> None:
        """End one session, or all of them."""

        def work(connection: sqlite3.Connection) -> None:
            if digest is None:
                connection.execute("DELETE FROM sessions")
            else:
                connection.execute("DELETE FROM sessions WHERE digest = ?", (digest,))

        await self._database.write(work)

    async def add_token(self, token: TokenRecord) -> None:
        """A program gets a token."""
        await self._database.write(
            lambda connection: connection.execute(
                "INSERT INTO tokens (name, digest, scopes, created) VALUES (?, ?, ?, ?)",
                (token.name, token.digest, " ".join(token.scopes), token.created),
            )
        )

    def used_token(self, name: str, when: float) -> None:
        """It was used. Nobody waits for that."""
        self._database.post(
            lambda connection: connection.execute("UPDATE tokens SET last_used = ? WHERE name = ?", (when, name))
        )

    async def remove_token(self, name: str) -> None:
        """The token of this name is good for nothing any more."""
        await self._database.write(lambda connection: connection.execute("DELETE FROM tokens WHERE name = ?", (name,)))
