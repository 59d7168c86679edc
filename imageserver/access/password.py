"""The owner's password: argon2id, in a thread, at most two at once."""

from __future__ import annotations

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, field

from imageserver.access.bans import Banned
from imageserver.errors import ImageServerError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

AT_ONCE = 2
SHORTEST, LONGEST = 8, 200  # characters; NIST SP 800-63B asks for no less than 8, and for no rules beside the length
_MOST_WAITING = 16  # behind those that are being checked; a flood of guesses shall not become a queue of minutes
_WAIT = 5.0  # seconds after which a client of such a flood may come again
# RFC 9106 wants 64 MiB where there is room; half of it, for two may run at once on a Raspberry Pi with 512 MiB.
_MEMORY, _TIME, _LANES = 32 * 1024, 3, 1  # KiB, passes, threads


class PasswordUnfit(ImageServerError):
    """This can be no password."""

    reason = "unfit"

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind  # "short", "long" or "letters"


class PasswordFileUnfit(ImageServerError):
    """The file that `password_file` names holds no password."""

    reason = "password_file"


def check_password(password: str) -> None:
    """Raises PasswordUnfit for one that may not be chosen."""
    if len(password) < SHORTEST:
        raise PasswordUnfit("short", f"a password needs at least {SHORTEST} characters")
    if len(password) > LONGEST:
        raise PasswordUnfit("long", f"a password has at most {LONGEST} characters")
    if any("\ud800" <= letter <= "\udfff" or unicodedata.category(letter) == "Cc" for letter in password):
        raise PasswordUnfit("letters", "a password has no control characters")


def read_password_file(path: Path) -> str:
    """The password in the file: its first line. Raises PasswordFileUnfit; the message never tells what is inside."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PasswordFileUnfit(f"{path} is not in UTF-8") from None
    except OSError as error:
        raise PasswordFileUnfit(f"{path} cannot be read: {error.strerror}") from None
    password, _, rest = text.removesuffix("\n").partition("\n")
    if rest.strip():
        raise PasswordFileUnfit(f"{path} must hold the password and nothing else, on one line")
    try:
        check_password(password.removesuffix("\r"))
    except PasswordUnfit as error:
        raise PasswordFileUnfit(f"{path}: {error}") from None
    return password.removesuffix("\r")


def hashed(password: str) -> str:
    """The argon2id hash of a password, with its salt and parameters (PHC string format). Takes a tenth of a second."""
    return _hasher().hash(_same_everywhere(password))


def is_password(known: str, password: str) -> bool:
    """Whether a hash is of this password. Takes a tenth of a second."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(known, _same_everywhere(password))
    except (VerificationError, InvalidHashError):
        return False


def is_dated(known: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _hasher().check_needs_rehash(known)


def _same_everywhere(password: str) -> bytes:
    """A phone and a computer may write one letter in two ways; NFKC makes them one (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=_TIME, memory_cost=_MEMORY, parallelism=_LANES)


@define(eq=False)
class Hashing:
    """Two threads for what takes so much memory; who comes in a crowd is sent away."""

    _threads: ThreadPoolExecutor = field(
        init=False, factory=lambda: ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
    )
    _inside: int = field(init=False, default=0)

    async def hashed(self, password: str) -> str:
        """As the function. Raises Banned."""
        with self._place():
            return await asyncio.get_running_loop().run_in_executor(self._threads, hashed, password)

    async def is_password(self, known: str, password: str) -> bool:
        """As the function. Raises Banned."""
        with self._place():
            return await asyncio.get_running_loop().run_in_executor(self._threads, is_password, known, password)

    def close(self) -> None:
        """Nobody waits for a password any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _place(self) -> _Place:
        if self._inside >= AT_ONCE + _MOST_WAITING:
            raise Banned(_WAIT, "too many passwords are being checked")
        return _Place(self)


@define
class _Place:
    """Counts those inside."""

    _hashing: Hashing

    def __enter__(self) -> None:
        self._hashing._inside += 1

    def __exit__(self, *_error: object) -> None:
        self._hashing._inside -= 1
