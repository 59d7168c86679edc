"""Who may use what: the words of the table of routes, and the one function that reads them."""

from __future__ import annotations

from enum import StrEnum

from attrs import field, frozen


class Scope(StrEnum):
    """What a token may be used for. None of them includes another."""

    READ = "read"
    WRITE = "write"
    METRICS = "metrics"


class For(StrEnum):
    """Whom a route is for."""

    FRAMES = "frames"  # whoever reaches the port, under any name and behind any proxy
    DOOR = "door"  # whoever comes in by a name of ours: signing in, and what its pages are made of
    PAGES = "pages"
    READ = "api:read"
    WRITE = "api:write"
    METRICS = "metrics"
    OWNER = "owner"  # the owner in person; no token of a program
    COMMAND = "command"  # who can read the data folder, and so has the command line's token


_SCOPES = {For.PAGES: Scope.READ, For.READ: Scope.READ, For.WRITE: Scope.WRITE, For.METRICS: Scope.METRICS}


class Who(StrEnum):
    """What somebody has shown about themselves."""

    STRANGER = "stranger"  # nothing
    HERE = "here"  # a program of the server's own computer, where that is enough
    PERSON = "person"  # the password, some time ago
    PROGRAM = "program"  # a token with scopes
    OWNER = "owner"  # the command line's token, which lies in the data folder


@frozen(kw_only=True)
class Asker:
    """Who sends a request."""

    who: Who
    scopes: frozenset[Scope] = frozenset()  # of a program
    session: str = field(default="", repr=False)  # a person's session: the digest of its secret


STRANGER = Asker(who=Who.STRANGER)


def may(asker: Asker, route: For) -> bool:
    """Whether this asker may use a route that is for those."""
    if route in (For.FRAMES, For.DOOR):
        return True
    if asker.who is Who.PROGRAM:
        return _SCOPES.get(route) in asker.scopes
    if route is For.COMMAND:
        return asker.who is Who.OWNER
    return asker.who is not Who.STRANGER


def missing_scope(route: For) -> Scope | None:
    """The scope that a token needs there; None where no token will do."""
    return _SCOPES.get(route)
