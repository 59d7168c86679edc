"""The parts by themselves: names, proxies, bans, the code, the password, and what the journal keeps."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageserver.access.bans import _MOST_ADDRESSES, MOST_FAILURES, Banned, Bans
from imageserver.access.hosts import Hosts
from imageserver.access.password import PasswordFileUnfit, hashed, is_dated, is_password, read_password_file
from imageserver.access.proxies import Arrival, ForwardingRefused, Proxies, is_forwarded
from imageserver.access.rules import Scope
from imageserver.access.setup_code import SetupCode
from imageserver.access.tokens import TokenRefused, Tokens
from imageserver.addresses import is_loopback
from imageserver.journal import Journal
from imageserver.testing import FakeClock


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("192.168.1.5:8099", True),
        ("[fe80::1]:8099", True),
        ("[::1]", True),
        ("localhost:8099", True),
        ("LOCALHOST.", True),
        ("frames.localhost", True),
        ("anything.local", True),
        ("nas", True),
        ("nas:80", True),
        ("nas.lan", True),
        ("nas.home.arpa", True),
        ("frames.example.org:443", True),
        ("FRAMES.example.org.", True),
        ("other.example.org", False),
        ("nas.example.org", False),
        ("evil.example", False),
        ("local", False),
        ("evil.local.example", False),
        ("printer.lan", False),
        ("", False),
        ("a b", False),
        ("me@localhost", False),
        ("localhost/x", False),
        ("localhost:port", False),
        ("[::1", False),
        ("[::1].evil.example", False),
        ("127.0.0.1.nip.io", False),
    ],
)
def test_names_of_the_server(host: str, allowed: bool) -> None:
    """Addresses, localhost, *.local, this computer's name and those of the owner are the server's; no other is."""
    assert Hosts(names=("Frames.Example.org", "0.0.0.0"), machine="NAS").allows(host) is allowed


@given(st.text(max_size=60))
def test_no_host_header_is_an_accident(host: str) -> None:
    """Whatever a header holds is judged without an error."""
    assert Hosts(names=(), machine="nas").allows(host) in (True, False)


@pytest.mark.parametrize(
    ("peer", "headers", "arrival"),
    [
        ("10.0.0.1", {}, Arrival(address="10.0.0.1")),
        ("10.0.0.1", {"X-Forwarded-For": "192.168.1.7"}, Arrival(address="192.168.1.7")),
        ("::ffff:10.0.0.1", {"X-Forwarded-For": "::ffff:192.168.1.7"}, Arrival(address="192.168.1.7")),
        # what stands before the first stranger may be invented
        ("10.0.0.1", {"X-Forwarded-For": "127.0.0.1, 203.0.113.9, 172.18.0.3"}, Arrival(address="203.0.113.9")),
        ("10.0.0.1", {"X-Forwarded-For": "172.18.0.2, 172.18.0.3"}, Arrival(address="172.18.0.2")),
        (
            "172.18.5.5",
            {
                "X-Forwarded-For": "1.2.3.4, 192.168.1.7, 172.18.0.3",
                "X-Forwarded-Proto": "http, https, http",
                "X-Forwarded-Host": "a.example, b.example, c.example",
                "X-Forwarded-Prefix": "/home/",
            },
            Arrival(address="192.168.1.7", scheme="https", host="b.example", prefix="/home"),
        ),
        ("10.0.0.1", {"Forwarded": "for=1.2.3.4", "X-Real-IP": "1.2.3.4"}, Arrival(address="10.0.0.1")),
        ("192.168.1.9", {"Via": "1.1 cache"}, Arrival(address="192.168.1.9")),
    ],
)
def test_what_trusted_proxies_say(peer: str, headers: dict[str, str], arrival: Arrival) -> None:
    """The client is the first from the near end that is no proxy of ours; all headers are read for that one."""
    proxies = Proxies(("10.0.0.1", "172.18.0.0/16"))
    assert proxies.arrival(peer, headers.items()) == arrival


@pytest.mark.parametrize("name", ["X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Port", "Forwarded", "X-Real-Ip"])
def test_nobody_else_is_believed(name: str) -> None:
    """From whoever is not named such a header is refused."""
    for proxies in (Proxies(()), Proxies(("10.0.0.1",))):
        with pytest.raises(ForwardingRefused, match=name):
            proxies.arrival("192.168.1.9", [(name, "10.0.0.1")])
    assert is_forwarded([(name, "")])


def test_a_header_that_is_there_twice() -> None:
    """Two headers of one name may come from two people, so neither counts."""
    twice = [("X-Forwarded-For", "192.168.1.7"), ("x-forwarded-for", "127.0.0.1")]
    with pytest.raises(ForwardingRefused, match="2 times"):
        Proxies(("10.0.0.1",)).arrival("10.0.0.1", twice)


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.168.1.5", False),
        ("::ffff:192.168.1.5", False),
        ("0.0.0.0", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_this_very_computer(address: str, loopback: bool) -> None:
    """Only addresses that no other computer can have count as this one."""
    assert is_loopback(address) is loopback


def test_bans_use_bounded_memory() -> None:
    """However many addresses guess, only so many are remembered, and those that failed last are."""
    bans = Bans(clock=FakeClock(0.0))
    for number in range(_MOST_ADDRESSES + 500):
        bans.attempt(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(bans._failures) == _MOST_ADDRESSES
    for _ in range(MOST_FAILURES):
        bans.attempt("2001:db8::1")
    with pytest.raises(Banned) as caught:
        bans.attempt("2001:db8::ffff")
    assert caught.value.retry_after == 900


def test_the_code_is_good_once() -> None:
    """The code has 32 letters to choose from, is taken however it is typed, and is nothing before and after."""
    code = SetupCode(token=lambda size: bytes(range(24, 24 + size)))
    assert not code.matches("")
    printed = code.make()
    assert printed == "STUV-WXYZ"
    assert code.matches(" stuv wxyz ")
    assert not code.matches("STUV-WXY")
    assert not code.matches("\ud800TUV-WXYZ")
    assert "STUV" not in repr(code)
    code.forget()
    assert not code.matches(printed)
    assert not code.matches("")


def test_hashes_are_argon2id() -> None:
    """A hash is argon2id with its own salt; one with other parameters, or none at all, is told from it."""
    one, two = hashed("three small herons"), hashed("three small herons")
    assert one.startswith("$argon2id$v=19$m=32768,t=3,p=1$")
    assert one != two
    assert is_password(one, "three small herons")
    assert not is_password(one, "three small heron")
    assert not is_password("nonsense", "three small herons")
    assert not is_dated(one)
    assert is_dated(one.replace("t=3", "t=2"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "at least 8"),
        (b"short\n", "at least 8"),
        (b"x" * 201, "at most 200"),
        (b"hunter22 \xff", "UTF-8"),
        (b"hunter22\nhunter23\n", "on one line"),
        (b"hunter22\tx\n", "control characters"),
    ],
)
def test_password_files_that_will_not_do(tmp_path: Path, content: bytes, words: str) -> None:
    """A password file that holds none is refused with a reason, which never tells what is inside."""
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(PasswordFileUnfit, match=words) as caught:
        read_password_file(file)
    assert "hunter2" not in str(caught.value)


def test_password_files(tmp_path: Path) -> None:
    """The line's end is no part of the password, in the manner of any system; spaces are."""
    file = tmp_path / "secret"
    for ending in (b"", b"\n", b"\r\n", b"\n\n"):
        file.write_bytes(b" two words" + ending)
        assert read_password_file(file) == " two words"
    with pytest.raises(PasswordFileUnfit, match="No such file"):
        read_password_file(tmp_path / "nothing")


async def test_what_tokens_may_be_called(tmp_path: Path) -> None:
    """Names and scopes are checked, a name is taken once, there is an end to them, and a removed one is nothing."""
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    clock = FakeClock(1_000_000.0)
    try:
        tokens = Tokens(journal=journal, clock=clock, token=os.urandom)
        for name, scopes in [("", ["read"]), ("a b", ["read"]), ("x" * 41, ["read"]), ("a", []), ("a", ["all"])]:
            with pytest.raises(TokenRefused):
                await tokens.add(name, scopes)
        secret = await tokens.add("one", ["write", "read", "read"])
        with pytest.raises(TokenRefused, match="already"):
            await tokens.add("one", ["read"])
        assert tokens.scopes_of(secret) == frozenset({Scope.READ, Scope.WRITE})
        (kept,) = (await journal.access.all()).tokens
        assert (kept.name, kept.scopes, kept.last_used) == ("one", ("read", "write"), 1_000_000.0)
        for number in range(99):
            await tokens.add(f"n{number}", ["metrics"])
        with pytest.raises(TokenRefused, match="100"):
            await tokens.add("more", ["read"])
        await tokens.remove("one")
        assert tokens.scopes_of(secret) is None
        with pytest.raises(TokenRefused, match="no token one; there are: n0, n1"):
            await tokens.remove("one")
        fresh = Tokens(journal=journal, clock=clock, token=os.urandom)
        fresh.take_over((await journal.access.all()).tokens)
        assert [one.name for one in fresh.all()] == [one.name for one in tokens.all()]
    finally:
        await journal.close()
