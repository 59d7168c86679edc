"""Everything that decides who may come in, behind one door; built by app.py, asked by the web."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable
from pathlib import Path

from attrs import define, field

from imageserver.access.bans import SECONDS, Bans
from imageserver.access.hosts import Hosts
from imageserver.access.password import Hashing, check_password, is_dated, read_password_file
from imageserver.access.proxies import Headers, Proxies, is_forwarded
from imageserver.access.rules import STRANGER, Asker, Who
from imageserver.access.sessions import Sessions
from imageserver.access.setup_code import SetupCode
from imageserver.access.tokens import Tokens
from imageserver.addresses import is_loopback
from imageserver.clock import Clock
from imageserver.errors import ImageServerError
from imageserver.journal import Journal

_log = logging.getLogger(__name__)


class PasswordRefused(ImageServerError):
    """The password cannot be set in this way."""

    reason = "password_refused"


@define(kw_only=True, eq=False)
class Access:
    """Who may come in."""

    journal: Journal
    clock: Clock
    token: Callable[[int], bytes] = field(repr=False)  # so many random bytes
    owner_token: str = field(repr=False)  # of the command line; empty: there is none
    hosts: Hosts
    proxies: Proxies
    is_container: bool  # whether this is our image: whoever asks there comes through its network
    password_file: Path | None = None
    sessions: Sessions = field(init=False)
    tokens: Tokens = field(init=False)
    bans: Bans = field(init=False)
    setup_code: str = field(init=False, default="", repr=False)  # as it is printed; empty: none is needed
    _code: SetupCode = field(init=False, repr=False)
    _hashing: Hashing = field(init=False, factory=Hashing)
    _hash: str | None = field(init=False, default=None, repr=False)
    _changes: int = field(init=False, default=0)  # of the password
    _setting: asyncio.Lock = field(init=False, factory=asyncio.Lock)

    def __attrs_post_init__(self) -> None:
        self.sessions = Sessions(journal=self.journal, clock=self.clock, token=self.token)
        self.tokens = Tokens(journal=self.journal, clock=self.clock, token=self.token)
        self.bans = Bans(clock=self.clock)
        self._code = SetupCode(token=self.token)

    async def open(self) -> None:
        """Read what the journal knows, and the password file. Raises PasswordFileUnfit."""
        record = await self.journal.access.all()
        self._hash = record.password_hash
        self.sessions.take_over(record.sessions)
        self.tokens.take_over(record.tokens)
        if self.password_file is not None:
            password = await asyncio.to_thread(read_password_file, self.password_file)
            # Another one than at the last start signs everybody out, as every new password does.
            if self._hash is None or not await self._hashing.is_password(self._hash, password):
                await self._keep(password)
        if self._hash is None:
            self.setup_code = self._code.make()

    def close(self) -> None:
        """Nobody signs in any more."""
        self._hashing.close()

    @property
    def has_password(self) -> bool:
        """Whether there is a password to sign in with."""
        return self._hash is not None

    def is_owner(self, bearer: str) -> bool:
        """Whether this is the command line's token."""
        given = bearer.encode("utf-8", "surrogateescape")
        return bool(self.owner_token) and hmac.compare_digest(given, self.owner_token.encode())

    @property
    def is_open_here(self) -> bool:
        """Whether anybody at this very computer may come in; a proxy or a container's network would look like it."""
        return not self.is_container and not self.proxies

    def here(self, peer: str, headers: Headers) -> Asker:
        """Whoever brings nothing: somebody at this very computer, where it is certain that nobody else can be."""
        is_here = self.is_open_here and is_loopback(peer) and not is_forwarded(headers)
        return Asker(who=Who.HERE) if is_here else STRANGER

    def person(self, secret: str) -> Asker:
        """Whoever brings a cookie."""
        session = self.sessions.find(secret)
        return STRANGER if session is None else Asker(who=Who.PERSON, session=session)

    def program(self, bearer: str, address: str) -> Asker:
        """Whoever brings a token; a stranger's counts as a wrong guess. Raises Banned."""
        self.bans.refuse_banned(address)
        scopes = self.tokens.scopes_of(bearer)
        if scopes is None:
            self._guess(address)
            return STRANGER
        return Asker(who=Who.PROGRAM, scopes=scopes)

    async def sign_in(self, password: str, address: str) -> str | None:
        """The secret of a new session; None for a wrong password. Raises Banned."""
        self._guess(address)  # before it is checked: many at once are no way around
        known, changes = self._hash, self._changes
        try:
            is_right = known is not None and await self._hashing.is_password(known, password)
        except BaseException:
            self.bans.take_back(address)
            raise
        if known is None or not is_right:
            return None
        self.bans.forgive(address)
        renewed = await self._hashing.hashed(password) if is_dated(known) else None
        if self._changes != changes:  # the password is another one by now
            return None
        if renewed is not None:
            self._hash = renewed
            await self.journal.access.renew_hash(renewed)
        return await self.sessions.begin()

    def knows_code(self, said: str, address: str) -> bool:
        """Whether somebody typed the code of the log. A wrong one counts as a guess. Raises Banned."""
        self._guess(address)
        if not self._code.matches(said):
            return False
        self.bans.forgive(address)
        return True

    async def set_first_password(self, password: str) -> str:
        """The first password: the secret of a session for whoever set it. Raises PasswordUnfit, PasswordRefused."""
        check_password(password)
        async with self._setting:
            if self._hash is not None:
                raise PasswordRefused("there is a password already")
            await self._keep(password)
        return await self.sessions.begin()

    async def set_password(self, password: str) -> None:
        """Another password; everybody is signed out. Raises PasswordUnfit, PasswordRefused."""
        check_password(password)
        if self.password_file is not None:
            raise PasswordRefused(
                f"the password stands in {self.password_file}, as password_file of the options says: change it there"
            )
        async with self._setting:
            await self._keep(password)

    async def _keep(self, password: str) -> None:
        made = await self._hashing.hashed(password)
        self._changes += 1
        await self.journal.access.set_password(made)
        self._hash = made
        self.sessions.forget_all()
        self._code.forget()
        self.setup_code = ""
        _log.info("the password is set; whoever was signed in is signed out")

    def _guess(self, address: str) -> None:
        if self.bans.attempt(address):
            _log.warning("%s guessed wrong too often and cannot sign in for %s minutes", address, round(SECONDS / 60))
