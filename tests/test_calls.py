"""Calls of providers over real sockets: what becomes of every failure, and that no answer leads into the house."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver
from fakes.certificate import doubtful_server, needs_openssl

from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    DeadlineExceeded,
    Mask,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Reply,
    TransientError,
    Unreachable,
    UntrustedCertificate,
    from_base64,
    picture_kind,
)
from imageserver.answers import Answers
from imageserver.calls import Caller
from imageserver.calls.public import is_public
from imageserver.testing import NEVER_ACCEPTS, Answer, BadWire, FakeClock, FakeService

KEY = "sk-0123456789abcdef"
PATIENT, HASTY = 20.0, 0.4
BODY = b'{"picture": "AAAA"}'


class Service(FakeService):
    """Answers with what it was told, and notes the heads of requests."""

    def __init__(self) -> None:
        super().__init__()
        self.says: Callable[[web.Request], web.Response] | None = None
        self.heads: list[dict[str, str]] = []

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        self.heads.append(dict(request.headers))
        if self.says is not None:
            return self.says(request)
        return await self.deliver(request, mode, Answer(body=BODY))


KNOWN = {
    "inside.example": ["127.0.0.1"],
    "lan.example": ["192.168.1.1"],
    "two.example": ["10.0.0.1", "127.0.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "metadata.example": ["169.254.169.254"],
    "metadata.google.internal": ["169.254.169.254", "fd00:ec2::254"],
}


class Names(ThreadedResolver):
    """Knows the names above. Digits are read as the system reads them; nobody else is asked."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host in KNOWN:
            return [
                ResolveResult(
                    hostname=host,
                    host=one,
                    port=port,
                    family=socket.AF_INET6 if ":" in one else socket.AF_INET,
                    proto=0,
                    flags=socket.AI_NUMERICHOST,
                )
                for one in KNOWN[host]
            ]
        if host != "localhost" and not host[0].isdigit():
            raise OSError(f"{host} is no name")
        return await super().resolve(host, port, family)


@asynccontextmanager
async def caller(data: Path, **means: Any) -> AsyncIterator[Caller]:
    """Makes calls, with a key that nobody may read."""
    made = Caller(clock=FakeClock(), answers=Answers(data), mask=Mask([KEY]), names=Names(), **means)
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def both(data: Path, mode: str = "good", **means: Any) -> AsyncIterator[tuple[Caller, Service]]:
    """A caller and somebody to call."""
    async with Service().running() as service, caller(data, **means) as calls:
        await service.become(mode)
        yield calls, service


@asynccontextmanager
async def hurried(service: Service, mode: str) -> AsyncIterator[None]:
    """In the modes that never end, a minute is over as soon as the service has the request, and never before."""

    async def hurry() -> None:
        while not service.ledger.requests:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0)
        loop.time = lambda: real() + 60  # type: ignore[method-assign]  # by which the loop knows who is late

    loop = asyncio.get_running_loop()
    real = loop.time
    hurrying = asyncio.create_task(hurry()) if mode in ("silent", "drip") else None
    try:
        yield
    finally:
        if hurrying is not None:
            hurrying.cancel()
            await asyncio.gather(hurrying, return_exceptions=True)
        loop.time = real  # type: ignore[method-assign]


class Canary:
    """A listener in the house that no call may ever reach."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0

    def count(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Note one connection, and end it."""
        self.connections += 1
        writer.close()


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    """It listens at 127.0.0.1."""
    bird = Canary()
    async with await asyncio.start_server(bird.count, "127.0.0.1", 0) as server:
        bird.port = server.sockets[0].getsockname()[1]
        yield bird


def reply(status: int = 200, body: object = b"", **headers: str) -> Reply:
    """An answer of a service."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body=raw, host="host:80", now=1_800_000_000.0, mask=Mask([KEY]))


# Calls to addresses of the owner's


async def test_an_answer_of_any_status_is_a_reply(tmp_path: Path) -> None:
    """Status, headers, body and host are there, and what is sent arrives."""
    async with both(tmp_path) as (calls, service):
        service.says = lambda _request: web.Response(status=418, text="tea", headers={"X-Pot": "short"})
        got = await calls.call("POST", f"{service.url}/a", json={"a": 1}, headers={"X-Key": KEY}, params={"q": "1"})
        assert (got.status, got.ok, got.body, got.headers["x-pot"]) == (418, False, b"tea", "short")
        assert got.host == f"127.0.0.1:{service.port}"
        assert service.heads[0]["X-Key"] == KEY
        assert KEY not in repr(got)


FAILURES: list[tuple[str, type[ProviderError], str]] = [
    ("reset", TransientError, "broke off"),
    ("reset_mid_body", TransientError, "broke off"),
    ("length_too_large", TransientError, "broke off"),
    ("garbage", TransientError, "broke off"),
    ("huge_body", BadResult, "larger than 1 MiB"),
    ("gzip_bomb", BadResult, "larger than 1 MiB"),
    ("silent", DeadlineExceeded, "no whole answer within 20 s"),
    ("drip", DeadlineExceeded, "no whole answer within 20 s"),
    (NEVER_ACCEPTS, Unreachable, "no connection to"),
]


@pytest.mark.parametrize("keep_for", [None, "job-1"])
@pytest.mark.parametrize(("mode", "kind", "words"), FAILURES, ids=[case[0] for case in FAILURES])
async def test_a_failure_has_its_class(
    tmp_path: Path, mode: str, kind: type[ProviderError], words: str, keep_for: str | None
) -> None:
    """And a sentence with the host, without the path, where keys may stand; nothing of aiohttp's hangs on it."""
    connect = HASTY if kind is Unreachable else PATIENT
    means: dict[str, Any] = {"timeout": PATIENT, "connect": connect, "limit": 1024 * 1024, "keep_for": keep_for}
    async with both(tmp_path, mode) as (calls, service), hurried(service, mode):
        with pytest.raises(ProviderError, match=re.escape(words)) as raised:
            await calls.call("GET", f"{service.url}/{KEY}", **means)
        assert type(raised.value) is kind
        assert raised.value.charged is (kind is not Unreachable)
        assert KEY not in str(raised.value)
        assert raised.value.__context__ is None or kind is BadResult


async def test_an_answer_may_be_as_large_as_the_limit(tmp_path: Path) -> None:
    """And not a byte larger."""
    async with both(tmp_path) as (calls, service):
        assert (await calls.call("GET", service.url, limit=len(BODY))).body == BODY
        with pytest.raises(BadResult, match="larger than"):
            await calls.call("GET", service.url, limit=len(BODY) - 1)


async def test_nobody_listens(tmp_path: Path) -> None:
    """A refused connection, a name that is none, and a service without TLS are unreachable, and free."""
    async with both(tmp_path) as (calls, service):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            with pytest.raises(Unreachable, match=rf"no connection to 127\.0\.0\.1:{port}: is it on") as refused:
                await calls.call("GET", f"http://127.0.0.1:{port}/")
        with pytest.raises(Unreachable, match=r"the name no-such-host\.invalid cannot be found") as unknown:
            await calls.call("GET", "http://no-such-host.invalid/")
        with pytest.raises(Unreachable, match="does it speak https there") as plain:
            await calls.call("GET", service.url.replace("http:", "https:"))
        assert {one.value.charged for one in (refused, unknown, plain)} == {False}
        assert {type(one.value) for one in (refused, unknown, plain)} == {Unreachable}
        assert service.ledger.requests == []


@needs_openssl
async def test_a_certificate_that_proves_nothing(tmp_path: Path) -> None:
    """It has an error of its own, which says what is wrong with it; the owner may trust it all the same."""
    async with doubtful_server(tmp_path) as address, caller(tmp_path) as calls:
        with pytest.raises(
            UntrustedCertificate, match=r"certificate is not trusted \(self.signed certificate\)"
        ) as raised:
            await calls.call("GET", address)
        assert raised.value.charged is False
        with pytest.raises(UntrustedCertificate):
            await calls.download(address, own=[address])
        assert (await calls.call("GET", address, verify_tls=False)).body == b"hello"
        assert (await calls.download(address, own=[address], verify_tls=False)).body == b"hello"


@pytest.mark.parametrize("address", ["http://[x", "http://", "nonsense", "http://x:99999/", "http://a\\b/", "ftp://x/"])
async def test_an_address_that_is_none(tmp_path: Path, address: str) -> None:
    """The owner wrote it: a bad request, which tells to look at the settings, and never a ValueError."""
    async with caller(tmp_path) as calls:
        with pytest.raises(BadProviderRequest, match="check the settings") as raised:
            await calls.call("GET", address)
        assert raised.value.charged is False


async def test_a_redirect_is_an_answer(tmp_path: Path, canary: Canary) -> None:
    """`call` follows none."""
    async with both(tmp_path) as (calls, service):
        where = f"http://127.0.0.1:{canary.port}/"
        service.says = lambda _request: web.Response(status=302, headers={"Location": where})
        got = await calls.call("GET", service.url)
        assert (got.status, type(got.error()), canary.connections) == (302, TransientError, 0)


async def test_no_cookie_is_kept(tmp_path: Path) -> None:
    """What one answer sets is not sent with the next call, and no connection is used twice."""
    async with both(tmp_path) as (calls, service):
        service.says = lambda _request: web.Response(headers={"Set-Cookie": "a=b"})
        for _ in range(2):
            await calls.call("GET", service.url.replace("127.0.0.1", "localhost"))  # addresses keep none anyway
        assert ["Cookie" in head for head in service.heads] == [False, False]
        assert [head["Connection"] for head in service.heads] == ["close", "close"]


@pytest.mark.parametrize(("status", "is_kept"), [(200, True), (201, False), (400, False), (500, False)])
async def test_a_paid_answer_is_kept(tmp_path: Path, status: int, is_kept: bool) -> None:
    """An answer with a picture is on the disk under the job's name; a refusal is not."""
    async with both(tmp_path) as (calls, service):
        service.says = lambda _request: web.Response(status=status, body=BODY)
        assert (await calls.call("GET", service.url, keep_for="job-1")).body == BODY
        assert Answers(tmp_path).read("job-1") == (BODY if is_kept else None)


async def test_what_arrived_is_kept(tmp_path: Path) -> None:
    """Of an answer that breaks off the beginning is on the disk."""
    async with both(tmp_path, BadWire.LENGTH_TOO_LARGE) as (calls, service):
        with pytest.raises(TransientError):
            await calls.call("GET", service.url, keep_for="job-1")
        assert Answers(tmp_path).read("job-1") == BODY


async def test_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    """An answer that cannot be kept is an error which may have cost something."""
    (tmp_path / "file").write_text("no folder")
    async with both(tmp_path / "file") as (calls, service):
        with pytest.raises(TransientError, match="could not be kept") as raised:
            await calls.call("GET", service.url, keep_for="job-1")
        assert raised.value.charged is True


# Addresses that answers name

# Each of these stands for 127.0.0.1 or might be taken for it; %d is the canary's port.
LOOPBACK = [
    *(
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0x7F.1",
        "0177.0.0.1",
        "017700000001",
    ),
    *("localhost", "LOCALHOST", "0", "0.0.0.0", "127.0.0.1.", "127.255.255.254", "127。0。0。1", "127．0．0．1"),
    *("１２７.0.0.1", "１２７．０．０．１", "①②⑦.⓪.⓪.①", "①②⑦。0.0.1", "ⓛocalhost"),
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::1%25lo]"),
    *("[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[2002:7f00:0001::1]"),
    *("inside.example", "two.example", "mapped.example", "nat64.example"),
    *("public.example@127.0.0.1", "public.example:443@127.0.0.1", "public.example%40@127.0.0.1", "a:b@localhost"),
    *("public.example\\@127.0.0.1", "127.0.0.1\\.public.example", "127.0.\t0.1"),
]
PRIVATE = [
    *("10.1.2.3", "172.16.0.1", "172.31.255.254", "192.168.1.1", "100.64.0.1", "169.254.169.254", "198.18.0.1"),
    *("192.0.2.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("[fe80::1]", "[fc00::1]", "[fd12::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[100::1]"),
    *("[::ffff:192.168.1.1]", "[2002:c0a8:101::]", "[64:ff9b::c0a8:101]", "[64:ff9b:1::c0a8:101]", "[::a00:1]"),
    *("[2001:0:0:0:0:0:f5ff:fffe]", "lan.example", "metadata.example", "3232235777", "0xc0a80101"),
    # where clouds keep the keys of their machines, and IPv4 behind IPv6 that a router may translate
    *("169.254.170.2", "100.100.100.200", "[fd00:ec2::254]", "metadata.google.internal", "[::ffff:0:7f00:1]"),
    *("[64:ff9b::a9fe:a9fe]", "[::ffff:169.254.169.254]", "[2002:a9fe:a9fe::]", "0251.0376.0251.0376", "2852039166"),
]
STRANGE = [
    *(
        "",
        "nonsense",
        "//",
        "https:",
        "https://",
        "https:///x",
        "https:127.0.0.1",
        "http://[x",
        "https://[x",
        "https://]",
    ),
    *("https://public.example:99999/", "https://public.example:port/", "http://127.0.0.1:%d/", "http://localhost:%d/"),
    *("http://8.8.8.8:%d/", "http://inside.example:%d/", "ftp://127.0.0.1:%d/", "file:///etc/passwd", "gopher://x/"),
    *("data:image/png;base64,AAAA", "javascript:alert(1)", "//127.0.0.1:%d/", "https://public.example:%d@/", "ws://x/"),
    *("https://127.0.0.1:%d/?@public.example/", "https://127.0.0.1:%d#@public.example/", " https://127.0.0.1:%d/"),
]
ADDRESSES = [*(f"https://{host}:%d/picture.png" for host in [*LOOPBACK, *PRIVATE]), *STRANGE]
IDS = [ascii(address) for address in ADDRESSES]
# Some of them, which the system does connect to when nobody checks
REACHABLE = ["127.0.0.1", "0x7f.1", "localhost", "127。0。0。1", "[::ffff:127.0.0.1]", "inside.example", "a@127.0.0.1"]


def named(address: str, port: int) -> str:
    """The address with the port in it."""
    return address.replace("%d", str(port))


@pytest.mark.parametrize("address", ADDRESSES, ids=IDS)
async def test_no_answer_leads_into_the_house(tmp_path: Path, canary: Canary, address: str) -> None:
    """Promise P15: an answer may name what it likes, nothing that is not public is ever connected to."""
    async with caller(tmp_path) as calls:
        with pytest.raises(BadResult, match="to be fetched from"):
            await calls.download(named(address, canary.port), own=["http://192.168.1.20:8188", "http://[x"])
        assert canary.connections == 0


@pytest.mark.parametrize("address", [one for one in ADDRESSES if one], ids=[one for one in IDS if one != "''"])
async def test_no_redirect_leads_into_the_house(tmp_path: Path, canary: Canary, address: str) -> None:
    """Nor does a redirect of a service that may be asked."""
    async with both(tmp_path) as (calls, service):
        where = named(address, canary.port)
        first = f"{service.url}/first"
        service.says = lambda _request: web.Response(status=302, headers={"Location": where})
        with pytest.raises(BadResult):
            await calls.download(first, own=[service.url], own_headers={"X-Key": KEY})
        assert canary.connections == 0


@pytest.mark.parametrize("host", REACHABLE, ids=ascii)
async def test_the_canary_counts(tmp_path: Path, canary: Canary, host: str) -> None:
    """Where every address is allowed, the same ones reach the canary: its silence above means something."""
    async with both(tmp_path, is_allowed=lambda _address: True) as (calls, service):
        where = f"https://{host}:{canary.port}/picture.png"
        with pytest.raises(ProviderError):
            await calls.download(where)
        service.says = lambda _request: web.Response(status=302, headers={"Location": where})
        with pytest.raises(ProviderError):
            await calls.download(service.url, own=[service.url])
        assert canary.connections == 2


class Flipping(Names):
    """A name whose address is another one each time somebody asks: public first, then in the house."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host != "flipping.example":
            return await super().resolve(host, port, family)
        self.asked += 1
        [answer] = await super().resolve("inside.example", port, family)
        return [answer if self.asked % 2 == 0 else {**answer, "host": "198.51.100.7"}]


@pytest.mark.parametrize("is_allowed", [None, lambda address: address != "127.0.0.1"], ids=["usual", "all but ours"])
async def test_a_name_that_changes_gains_nothing(
    tmp_path: Path, canary: Canary, is_allowed: Callable[[str], bool] | None
) -> None:
    """The address that was judged is the one that is connected to; a second look-up of the name is judged anew.

    With the second judge the first address counts as public: only the change of the name could lead into the house.
    """
    names = Flipping()
    means: dict[str, Any] = {} if is_allowed is None else {"is_allowed": is_allowed}
    calls = Caller(clock=FakeClock(), answers=Answers(tmp_path), names=names, **means)
    try:
        for _ in range(4):
            with pytest.raises(ProviderError):
                await calls.download(f"https://flipping.example:{canary.port}/picture.png", timeout=HASTY)
    finally:
        await calls.close()
    assert names.asked >= 4, "each call looks the name up for itself"
    assert canary.connections == 0


async def test_what_is_ours_over_https_is_not_ours_over_http(tmp_path: Path, canary: Canary) -> None:
    """Who configured https is never sent to plain http on the same host and port, where anybody could listen."""
    async with caller(tmp_path) as calls:
        for other in (
            f"http://127.0.0.1:{canary.port}/",
            f"HTTP://127.0.0.1:{canary.port}/",
            f"http:127.0.0.1:{canary.port}",
        ):
            with pytest.raises(BadResult):
                await calls.download(other, own=[f"https://127.0.0.1:{canary.port}/api"], own_headers={"X-Key": KEY})
        for other in (f"https://127.0.0.1:{canary.port}@inside.example/", f"https://inside.example:{canary.port}/"):
            with pytest.raises(BadResult):
                await calls.download(other, own=[f"https://127.0.0.1:{canary.port}/api"], own_headers={"X-Key": KEY})
        assert canary.connections == 0


async def test_other_ports_of_the_configured_host_are_not_ours(tmp_path: Path, canary: Canary) -> None:
    """Nor by a redirect: a router's page beside the service stays what it is."""
    async with both(tmp_path) as (calls, service):
        service.says = lambda _request: web.Response(
            status=307, headers={"Location": f"http://127.0.0.1:{canary.port}/"}
        )
        with pytest.raises(BadResult):
            await calls.download(f"{service.url}/first", own=[service.url], own_headers={"X-Key": KEY})
        assert canary.connections == 0


def test_there_are_enough_cases() -> None:
    """The promise says 40, and each is another address."""
    assert len(set(ADDRESSES)) == len(ADDRESSES) >= 40


async def test_every_hop_is_judged(tmp_path: Path, canary: Canary) -> None:
    """An address that may be asked sends to itself and then into the house: the second hop is refused."""
    async with both(tmp_path) as (calls, service):
        hops = {"/1": "/2", "/2": f"https://inside.example:{canary.port}/"}
        service.says = lambda request: web.Response(status=307, headers={"Location": hops[request.path]})
        with pytest.raises(BadResult, match=r"inside\.example:\d+, which is not in the public internet"):
            await calls.download(f"{service.url}/1", own=[service.url])
        assert [one["path"] for one in service.ledger.requests] == ["/1", "/2"]
        assert canary.connections == 0


@pytest.mark.parametrize("hops", [0, 3, 4])
async def test_own_redirects_are_followed(tmp_path: Path, hops: int) -> None:
    """Up to three, with the key, which belongs to that host; a fourth is one too many."""
    async with both(tmp_path) as (calls, service):

        def hop(request: web.Request) -> web.Response:
            left = int(request.path.strip("/"))
            return web.Response(status=302, headers={"Location": f"/{left - 1}"}) if left else web.Response(body=b"it")

        service.says = hop
        fetching = calls.download(f"{service.url}/{hops}", own=[f"{service.url}/api"], own_headers={"X-Key": KEY})
        if hops <= 3:
            assert (await fetching).body == b"it"
        else:
            with pytest.raises(BadResult, match="one address after the other"):
                await fetching
        assert [head["X-Key"] for head in service.heads] == [KEY] * min(hops + 1, 4)


async def test_another_port_is_another_service(tmp_path: Path, canary: Canary) -> None:
    """What is the owner's is one host, one port, one scheme."""
    async with both(tmp_path) as (calls, service):
        for other in (f"http://127.0.0.1:{canary.port}", f"https://127.0.0.1:{service.port}", "http://127.0.0.2"):
            with pytest.raises(BadResult):
                await calls.download(other, own=[service.url])
        assert (canary.connections, service.ledger.requests) == (0, [])


@pytest.mark.parametrize("mode", [case[0] for case in FAILURES])
async def test_a_download_fails_as_a_call_does(tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The classes are the same."""
    kind = {case[0]: case[1] for case in FAILURES}[mode]
    monkeypatch.setattr("imageserver.calls.caller.CONNECT", HASTY if kind is Unreachable else PATIENT)
    async with both(tmp_path, mode) as (calls, service), hurried(service, mode):
        with pytest.raises(kind):
            await calls.download(service.url, own=[service.url], timeout=PATIENT, limit=1024 * 1024)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_what_is_public(address: str) -> None:
    """Addresses of the internet, also those with an IPv4 address of the internet in them."""
    assert is_public(address)


@pytest.mark.parametrize("address", ["", "localhost", "8.8.8", "0x8.8.8.8", "10.0.0.1", "::1", "fe80::1%eth0"])
def test_what_is_not_public(address: str) -> None:
    """What is no address at all is not public either."""
    assert not is_public(address)


# Replies

TEXT = {"Content_Type": "text/plain; charset=utf-8"}
WORDS: list[tuple[object, dict[str, str], str]] = [
    ({"message": "no"}, {}, "no"),
    ({"error": "no"}, {}, "no"),
    ({"error": {"message": "no", "code": 3}}, {}, "no"),
    ({"error": {"error": {"detail": "deep"}}}, {}, "deep"),
    ({"error": "HTTPException", "detail": "steps is too large"}, {}, "steps is too large"),
    ({"error": "HTTPException", "detail": ""}, {}, "HTTPException"),
    ({"error": {"message": "no"}, "detail": None}, {}, "no"),
    ({"detail": [{"loc": ["body"], "msg": "field required"}, {"msg": "no"}]}, {}, "field required; no"),
    ({"errors": ["a", "b"], "error": "label"}, {}, "a; b"),
    ({"description": "no"}, {}, "no"),
    ("no", {}, "no"),
    ([1, 2], {}, ""),
    ({"error": 5}, {}, ""),
    (b"no", TEXT, "no"),
    (b"a < b, and <b>", TEXT, "a < b, and <b>"),
    (b"no", {"Content_Type": "image/png"}, ""),
    (b"<!DOCTYPE html><h1>no</h1>", TEXT, ""),
    (b"\xef\xbb\xbf \n<html>", TEXT, ""),
    (b'<?xml version="1.0"?><Error/>', TEXT, ""),
    (b"</p>", TEXT, ""),
    (b"<h1>no</h1>", {"Content_Type": "text/html"}, ""),
    (b"[" * 100_000, TEXT, "[" * 300 + "…"),
    ({"message": "a\n\x1b[31mb\x00"}, {}, "a [31mb"),
    ({"message": f"the key {KEY} is wrong"}, {}, "the key *** is wrong"),
    ({"message": f"the key {KEY[:12]}… is wrong"}, {}, "the key ***… is wrong"),
    ({"message": "x " * 149 + KEY}, {}, "x " * 149 + "**…"),  # masked before it is cut
]


@pytest.mark.parametrize(("body", "headers", "words"), WORDS)
def test_what_a_service_said(body: object, headers: dict[str, str], words: str) -> None:
    """Its sentence, wherever it hides it: on one line, cut, without keys and without markup."""
    assert reply(400, body, **headers).words == words


MEANINGS: list[tuple[int, type[ProviderError], str]] = [
    (401, AuthError, "does not accept the key"),
    (402, PaymentRequired, "to be paid first"),
    (403, PermissionDenied, "does not allow this"),
    (404, BadProviderRequest, "no such address"),
    (408, TransientError, "waited too long"),
    (410, BadProviderRequest, "no longer has"),
    (418, BadProviderRequest, "did not understand"),
    (429, RateLimited, "asked too often"),
    (302, TransientError, "another address, which is not followed"),
    (204, BadResult, "cannot be used"),
    (500, TransientError, "in trouble (HTTP 500)"),
    (599, TransientError, "in trouble (HTTP 599)"),
]


@pytest.mark.parametrize(("status", "kind", "words"), MEANINGS)
def test_what_a_status_means(status: int, kind: type[ProviderError], words: str) -> None:
    """Each has its class and its sentence, with the service's own words behind it."""
    error = reply(status, {"message": "so it is"}, Retry_After="17").error()
    assert type(error) is kind
    assert words in str(error)
    assert str(error).endswith(' (it said: "so it is")')
    assert error.charged is kind.usually_charged
    assert error.retry_after == (17.0 if kind in (RateLimited, TransientError) else None)


def test_an_error_with_its_own_sentence() -> None:
    """Class, sentence and price may be the provider's."""
    error = reply(500, b"").error(BadResult, "{host} says {status}", charged=False)
    assert (type(error), str(error), error.charged) == (BadResult, "host:80 says 500", False)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2021 08:00:30 GMT", 0.0),
        *((nonsense, None) for nonsense in ("", "soon", "-5", "9" * 40, "١٧", "1e3")),
    ],
)
def test_when_to_come_back(header: str, seconds: float | None) -> None:
    """Retry-After is seconds or a date; nonsense counts as nothing said."""
    assert reply(429, Retry_After=header).retry_after == seconds
    assert reply(429).retry_after is None


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"\xff", b"[" * 100_000])
def test_what_is_no_json(body: bytes) -> None:
    """It is no result, and the sentence says what came."""
    with pytest.raises(BadResult, match="no JSON but text/html"):
        reply(200, body, Content_Type="text/html; charset=x").json()
    with pytest.raises(BadResult, match=r"^the answer of host:80 is no JSON, or was cut off$"):
        reply(200, body, Content_Type="application/json").json_object()


def test_json_that_is_no_object() -> None:
    """A list is JSON, and no object."""
    assert reply(200, [1]).json() == [1]
    assert reply(200, {"a": 1}).json_object() == {"a": 1}
    with pytest.raises(BadResult, match="no JSON object"):
        reply(200, [1]).json_object()


def test_pictures_as_text() -> None:
    """Base64, in lines and as a data URL; all else is no result."""
    for text in ("aGVy\nb24=", "data:image/png;base64,aGVyb24="):
        assert from_base64(text) == b"heron"
    for nothing, words in ((None, "no picture"), (" ", "no picture"), ("data:,", "no picture"), ("a*b", "no base64")):
        with pytest.raises(BadResult, match=words):
            from_base64(nothing)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"\x89PNG\r\n\x1a\n\x00", "png"),
        (b"RIFF\x08\x00\x00\x00WEBPVP8 ", "webp"),
        *((other, None) for other in (b"", b"\xff\xd8", b"\x89PNG", b"RIFF\x08\x00\x00\x00WAVE", b"GIF89a", b"<html>")),
    ],
)
def test_the_kind_of_a_picture(data: bytes, kind: str | None) -> None:
    """The first bytes tell it."""
    assert picture_kind(data) == kind
