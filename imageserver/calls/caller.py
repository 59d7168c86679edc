"""Calls to services: bounded in time and size, redirects by hand, failures as ProviderErrors."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver
from attrs import define, field

from imageserver.answers import Answers
from imageserver.calls.mask import Mask
from imageserver.calls.public import NotPublic, connector, is_public
from imageserver.calls.reply import Reply
from imageserver.clock import Clock
from imageserver.errors import (
    BadProviderRequest,
    BadResult,
    DeadlineExceeded,
    ProviderError,
    TransientError,
    Unreachable,
    UntrustedCertificate,
)

CONNECT = 5.0  # seconds for name, connection and TLS
MOST_BYTES = 32 * 1024 * 1024
_REDIRECTS = 3
_MOVED = {301, 302, 303, 307, 308}


@define(kw_only=True, eq=False)
class Caller:
    """Makes the calls of one provider, on that provider's event loop. Every method raises ProviderErrors only."""

    _clock: Clock
    _answers: Answers = field(repr=False)
    mask: Mask = field(factory=Mask, repr=False)
    _names: AbstractResolver | None = field(default=None, repr=False)  # how names become addresses for `download`
    _is_allowed: Callable[[str], bool] = field(default=is_public, repr=False)  # where answers may send `download`
    _own: aiohttp.ClientSession | None = field(default=None, init=False, repr=False)
    _public: aiohttp.ClientSession | None = field(default=None, init=False, repr=False)

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session for addresses that the owner chose."""
        if self._own is None:
            self._own = _session(aiohttp.TCPConnector(force_close=True))
        return self._own

    async def call(
        self,
        method: str,
        url: str,
        *,
        timeout: float = 60.0,  # noqa: ASYNC109 - it becomes aiohttp's, which knows the phases of a call
        connect: float = CONNECT,
        limit: int = MOST_BYTES,
        keep_for: str | None = None,
        verify_tls: bool = True,
        **request: Any,
    ) -> Reply:
        """One request to an address that the owner chose, and its whole answer, whatever its status is.

        `request` is what aiohttp takes: `json`, `data`, `headers`, `params`, `auth`. Redirects are not followed.
        `keep_for` names the job of a paid call: the answer then is on the disk as it arrives, and `recover` gets it
        after a crash. Raises Unreachable where not a byte of the request was sent, DeadlineExceeded after `timeout`
        seconds, BadResult above `limit` bytes, TransientError for an answer that breaks off.
        """
        if not verify_tls:
            request["ssl"] = False
        return await self._ask(self.session, method, url, timeout, connect, limit, keep_for, request)

    async def download(
        self,
        url: str,
        *,
        own: Sequence[str] = (),
        own_headers: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,  # noqa: ASYNC109 - as above
        limit: int = MOST_BYTES,
        verify_tls: bool = True,
    ) -> Reply:
        """A picture from an address that an answer named: on the host and port of an `own` address, or public https.

        Follows up to 3 redirects, each checked in the same way. `own_headers` (a key) and the absence of TLS checks
        are for own addresses only. Raises as `call` does, and BadResult for an address that is not allowed.
        """
        for redirects in itertools.count():
            is_own = _origin(url) in {_origin(one) for one in own} - {None}
            if not is_own:
                _check_safe(url)
            request: dict[str, Any] = {"headers": {**(headers or {}), **((own_headers or {}) if is_own else {})}}
            if is_own and not verify_tls:
                request["ssl"] = False
            session = self.session if is_own else self._outside()
            try:
                reply = await self._ask(session, "GET", url, timeout, CONNECT, limit, None, request)
            except BadProviderRequest:  # an answer wrote it, so the settings are not to blame
                raise BadResult(f"the picture is to be fetched from {host_of(url)}, which is no address") from None
            if reply.status not in _MOVED:
                return reply
            if redirects == _REDIRECTS:
                break
            url = _joined(url, reply.headers.get("Location", ""))
        raise BadResult(f"{host_of(url)} sends us to one address after the other")

    async def close(self) -> None:
        """Close the sessions."""
        for session in (self._own, self._public):
            if session is not None:
                await session.close()
        self._own = self._public = None

    def _outside(self) -> aiohttp.ClientSession:
        if self._public is None:
            self._public = _session(connector(self._names, self._is_allowed))
        return self._public

    async def _ask(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: str,
        seconds: float,
        connect: float,
        limit: int,
        keep_for: str | None,
        request: dict[str, Any],
    ) -> Reply:
        connect = min(connect, seconds / 2)
        timeout = aiohttp.ClientTimeout(total=seconds, connect=connect, sock_connect=connect)
        try:
            async with session.request(method, url, timeout=timeout, allow_redirects=False, **request) as answer:
                body = await self._body(answer, limit, keep_for if answer.status == 200 else None)
                return Reply(
                    status=answer.status,
                    headers=answer.headers,
                    body=body,
                    host=host_of(url),
                    now=self._clock.now(),
                    mask=self.mask,
                )
        except ProviderError:
            raise
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            failure = _fault(error, host_of(url), seconds)
        # Raised out here, because aiohttp's errors carry the request with its headers, and so the key.
        raise failure

    async def _body(self, answer: aiohttp.ClientResponse, limit: int, keep_for: str | None) -> bytes:
        if keep_for is not None:
            return await self.receive(keep_for, answer, limit)
        body = bytearray()
        async for piece in answer.content.iter_any():
            body += piece
            _check_size(len(body), limit)
        return bytes(body)

    async def receive(self, job: str, answer: aiohttp.ClientResponse, limit: int = MOST_BYTES) -> bytes:
        """The body of a paid answer, at most `limit` bytes, kept on disk as it arrives: a crash loses none of it.

        After a restart the same bytes come to `recover`. Raises BadResult above the limit.
        """
        with self._answers.writing(job) as file:
            size = 0
            async for piece in answer.content.iter_any():
                size += len(piece)
                _check_size(size, limit)
                file.write(piece)  # on the provider's own loop: a slow disk holds up nobody else
        return self._answers.read(job) or b""


def host_of(url: str) -> str:
    """Host and port of an address, for messages: never the rest, which may hold a key."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "the address"
    except ValueError:
        return "the address"


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    # A connection that was kept may be gone already: then a call that never arrived would count as made. And cookies
    # would carry something from one host's answer into the next call.
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
    )


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise BadResult(f"the answer is larger than {limit / 1024 / 1024:g} MiB")


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise BadResult(f"{host_of(url)} sends us to something that is no address") from None


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for what is no address of the web, so that two of those are not the same."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and port else None


def _check_safe(url: str) -> None:
    """Only https goes to a stranger. Whether its host is public is seen when a socket is opened."""
    origin = _origin(url)
    if origin is None or origin[0] != "https":
        raise BadResult(f"the picture is to be fetched from {host_of(url)}, which is neither public https nor ours")


def _fault(error: Exception, host: str, seconds: float) -> ProviderError:
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, NotPublic):
        return BadResult(f"the picture is to be fetched from {host}, which is not in the public internet")
    known = ((kind, sentence) for causes, kind, sentence in _FAULTS if isinstance(error, causes))
    kind, sentence = next(known, (TransientError, "the call to {host} failed ({error})"))
    certificate_error = getattr(error, "certificate_error", None)
    why = getattr(certificate_error, "verify_message", "") or type(error).__name__
    return kind(sentence.format(host=host, seconds=f"{seconds:g}", error=why))


# The first that fits. Before a connection stands, not a byte of the request has been sent.
_FAULTS: tuple[tuple[tuple[type[Exception], ...], type[ProviderError], str], ...] = (
    (
        (aiohttp.ClientConnectorDNSError,),
        Unreachable,
        "the name {host} cannot be found: is it right, is the network there?",
    ),
    (
        (aiohttp.ClientConnectorCertificateError, ssl.CertificateError),
        UntrustedCertificate,
        "no safe connection to {host}: its certificate is not trusted ({error}); is this computer's date right?",
    ),
    (
        (aiohttp.ClientSSLError, ssl.SSLError),
        Unreachable,
        "no safe connection to {host}: does it speak https there? ({error})",
    ),
    (
        (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError),
        Unreachable,
        "no connection to {host}: is it on, is the network there?",
    ),
    ((TimeoutError,), DeadlineExceeded, "{host} gave no whole answer within {seconds} s"),
    (
        (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError),
        BadProviderRequest,
        "{host} is written wrongly: check the settings",
    ),
    ((aiohttp.ClientError,), TransientError, "the answer of {host} broke off ({error})"),
    ((OSError,), TransientError, "the answer of {host} could not be kept ({error})"),
    ((ValueError,), BadProviderRequest, "the request to {host} cannot be made ({error}): check the settings"),
)
