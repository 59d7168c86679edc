"""What systemd is told: that the server is ready, that it stops, and, as often as it wants to hear it, that it lives.

The protocol is a few lines of text in a datagram to a Unix socket (sd_notify(3)). Where no NOTIFY_SOCKET is named,
nothing is sent.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

from imageserver.clock import Clock

_SOON = 1.0  # seconds between two looks while it does not live, so that systemd hears at once when it does again
_MORE = 60  # seconds that a start asks for at once
_SELDOM = 30.0  # seconds between two looks where no watchdog waits

_log = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class Systemd:
    """The way to systemd. A word that does not get through is lost: no frame waits for it."""

    address: str | None = None  # of a Unix socket; "@name" is one in the abstract namespace
    watchdog: float | None = None  # seconds; whoever is silent for longer is killed. None: nobody waits for a word
    _is_cut_off: bool = field(init=False, default=False)  # as the log has said

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Systemd:
        """As systemd says in the environment; without it, one that tells nobody anything."""
        address = environment.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            if address:
                _log.warning("NOTIFY_SOCKET names no Unix socket; systemd is told nothing")
            return cls()
        microseconds, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
        is_ours = process in ("", str(os.getpid()))  # or it is meant for a process that started this one
        has_watchdog = is_ours and microseconds.isdecimal() and int(microseconds) > 0
        return cls(address=address, watchdog=int(microseconds) / 1_000_000 if has_watchdog else None)

    def tell(self, *lines: str) -> None:
        """One message. Never raises and never waits."""
        if self.address is None:
            return
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        text = "\n".join(line.replace("\n", " ") for line in lines)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)  # noqa: FBT003 - the standard library's own signature
                sender.sendto(text.encode(), address)
        except OSError as error:
            if not self._is_cut_off:
                _log.warning("systemd cannot be told that %s: %s", lines[0], error)
            self._is_cut_off = True
        else:
            self._is_cut_off = False

    async def ask_for_time(self, clock: Clock) -> None:
        """While the server starts: it gets on, however long that takes. Until cancelled.

        The first look at a million pictures, or a journal that is brought up to date, takes longer than the minute and
        a half after which systemd would kill a start, again and again.
        """
        while self.address is not None:
            self.tell(f"EXTEND_TIMEOUT_USEC={_MORE * 1_000_000}", "STATUS=starting")
            await clock.sleep(_MORE / 2)

    async def keep_telling(self, dead: Callable[[], Sequence[str]], clock: Clock) -> None:
        """Tell the watchdog twice in its time that the server lives, while it does, until cancelled.

        `dead` gives the names of what must run and does not. The log is told too, with or without systemd.
        """
        pause = _SELDOM if self.watchdog is None else self.watchdog / 2
        said: tuple[str, ...] = ()
        while True:
            names = tuple(dead())
            if not names and self.watchdog is not None:
                self.tell("WATCHDOG=1")
            if names != said:
                self._tell_state(names)
            said = names
            await clock.sleep(min(pause, _SOON) if names else pause)

    def _tell_state(self, dead: tuple[str, ...]) -> None:
        if not dead:
            self.tell("STATUS=serving")
            _log.info("everything that must run does again")
            return
        names = ", ".join(dead)
        self.tell(f"STATUS=failing: {names}")
        remedy = "a new start may help" if self.watchdog is None else "systemd starts it anew unless that changes soon"
        _log.error("the server does not run as it must: %s; %s", names, remedy)
