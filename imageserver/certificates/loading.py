"""From two files to a context for TLS, and a sentence for everything that can be wrong with them."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import ssl
from datetime import UTC, datetime
from pathlib import Path

from imageserver.certificates.files import Pair
from imageserver.certificates.remarks import remarks
from imageserver.clock import Clock
from imageserver.errors import ImageServerError

_EVERY = 60.0  # seconds between two looks at the files
_Stamp = tuple[tuple[int, int, int] | None, ...]

_log = logging.getLogger(__name__)


class CertificateBroken(ImageServerError):
    """There are certificates, and they cannot be used."""

    reason = "certificate"


class Certificates:
    """The pair in a folder as a context for TLS. Renewed files are taken over; broken ones change nothing."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._context: ssl.SSLContext | None = None
        self._stamp: _Stamp = ()

    def context(self) -> ssl.SSLContext | None:
        """For a connection that begins now; None while there are no certificates."""
        return self._context

    def load(self) -> None:
        """Read the files for the first time. Raises CertificateBroken; having none is no error. Blocks."""
        self._stamp = self._look()
        self._context = load_context(self._folder)
        if self._context is None:
            _log.info("no certificates in %s: plain HTTP only; `imageserver cert` makes them", self._folder)

    async def stay_fresh(self) -> None:
        """Say what is odd about the certificate, and look at the files every minute, for ever."""
        await asyncio.to_thread(self._remark)
        while True:
            await self._clock.sleep(_EVERY)
            await asyncio.to_thread(self._renew)

    def _renew(self) -> None:
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp  # what is broken is said once, until it changes again
        kept = "HTTPS goes on with the old certificate" if self._context else "there is no HTTPS yet"
        try:
            context = load_context(self._folder)
        except CertificateBroken as error:
            _log.warning("new certificate refused, %s: %s", kept, error)
            return
        if context is None:
            _log.warning("the certificate in %s is gone; %s until the server stops", self._folder, kept)
            return
        self._context = context
        _log.info("a new certificate in %s is in use now", self._folder)
        self._remark()

    def _remark(self) -> None:
        if self._context is not None:
            for remark in remarks(Pair.of(self._folder).certificate, datetime.fromtimestamp(self._clock.now(), UTC)):
                _log.warning("%s", remark)

    def _look(self) -> _Stamp:
        pair = Pair.of(self._folder)
        return tuple(_stamp(path) for path in (pair.certificate, pair.key))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def load_context(folder: Path) -> ssl.SSLContext | None:
    """For a server with the pair in `folder`; None where there is neither file. Raises CertificateBroken."""
    pair = Pair.of(folder)
    if os.path.lexists(folder) and not os.access(folder, os.R_OK | os.X_OK):
        raise CertificateBroken(f"the folder {folder} {_closed(folder, 'u=rwX')}")
    there = [path for path in (pair.certificate, pair.key) if os.path.lexists(path)]
    if not there:
        return None
    if len(there) == 1:
        missing = pair.key if there[0] == pair.certificate else pair.certificate
        raise CertificateBroken(
            f"there is {there[0]} and no {missing.name} beside it: put it there, "
            f"or take {there[0].name} away and make both with `imageserver cert`"
        )
    certificate, key = _read(pair.certificate, "u=rw,go=r"), _read(pair.key, "u=rw,go=")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # the frames speak nothing newer
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password of ours OpenSSL would ask for one at the terminal.
        context.load_cert_chain(pair.certificate, pair.key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        raise CertificateBroken(_why(pair, certificate, key) or f"{pair.certificate} cannot be used: {error}") from None
    except OSError as error:
        raise CertificateBroken(f"{pair.certificate} cannot be used: {error.strerror}") from None
    return context


def _read(path: Path, rights: str) -> bytes:
    try:
        return path.read_bytes()
    except PermissionError:
        raise CertificateBroken(f"{path} {_closed(path, rights)}") from None
    except OSError as error:
        raise CertificateBroken(f"{path} cannot be read: {error.strerror}") from None


def _closed(path: Path, rights: str) -> str:
    owner, name = f"{os.getuid()}:{os.getgid()}", shlex.quote(str(path))
    return (
        f"is not readable for this server (user {os.getuid()}); "
        f"run: sudo chown {owner} {name} && sudo chmod {rights} {name}"
    )


def _why(pair: Pair, certificate: bytes, key: bytes) -> str | None:
    """What is wrong with a pair that OpenSSL does not take; its own words say little."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        public = x509.load_pem_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        return f"{pair.certificate} is no certificate in PEM form (it begins with -----BEGIN CERTIFICATE-----)"
    try:
        private = load_pem_private_key(key, password=None)
    except TypeError:
        name = shlex.quote(str(pair.key))
        return (
            f"{pair.key} is encrypted, and nobody is there to type its password when the server starts; "
            f"run: openssl pkey -in {name} -out {name}"
        )
    except (ValueError, UnsupportedAlgorithm):
        return f"{pair.key} is no private key in PEM form (it begins with -----BEGIN PRIVATE KEY-----)"
    if private.public_key() != public:
        return (
            f"{pair.certificate} and {pair.key.name} are no pair: the one was not made for the other. "
            "Copy both from the same place, or make new ones with `imageserver cert --force`"
        )
    return None
