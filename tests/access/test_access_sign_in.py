"""Coming in by the pages: the first visit, the password, sessions, and who is not listened to for a while."""

from __future__ import annotations

import asyncio
import re
import threading
from html.parser import HTMLParser
from pathlib import Path

import pytest
from live import OWNER, Live, ShiftedClock, live

import imageserver.access.password as password_room
from access.visitors import FRAMES_ONLY, HTML, PASSWORD, STRANGERS, Answer, ask, cookie_of, set_up
from imageserver.web import keys

DAY = 86_400.0


async def sees(server: Live, headers: dict[str, str]) -> bool:
    """Whether the page opens."""
    return (await ask(server, "GET", "/", headers=headers)).status == 200


async def guess(server: Live, password: str = "wrong password", **headers: str) -> Answer:
    """Try to sign in."""
    return await ask(server, "POST", "/sign-in", data={"password": password}, headers=headers)


async def test_the_first_visit_from_a_phone(tmp_path: Path) -> None:
    """With the code of the log a password is set, once; whoever set it is signed in, and others need the password."""
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS) as server:
        code = server.app[keys.ACCESS].setup_code
        assert re.fullmatch("[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}", code)
        page = await ask(server, "GET", "/first-visit", headers=HTML)
        assert page.status == 200
        assert code not in page.text
        for form, status, words in [
            ({"code": "AAAA-AAAA", "password": PASSWORD, "again": PASSWORD}, 403, "That is not the code."),
            ({"code": code, "password": PASSWORD, "again": PASSWORD + "!"}, 400, "are not the same"),
            ({"code": code, "password": "short", "again": "short"}, 400, "too short"),
            ({"code": code, "password": "x" * 201, "again": "x" * 201}, 400, "too long"),
            ({"code": code, "password": "bell\x07bell\x07", "again": "bell\x07bell\x07"}, 400, "nobody can type"),
        ]:
            answer = await ask(server, "POST", "/first-visit", data=form)
            assert (answer.status, words in answer.text) == (status, True)
            assert "Set-Cookie" not in answer.headers
        typed = f" {code.lower().replace('-', ' ')} "
        done = await ask(server, "POST", "/first-visit", data={"code": typed, "password": PASSWORD, "again": PASSWORD})
        assert (done.status, done.leads_to) == (303, "./")
        cookie = {"Cookie": done.headers["Set-Cookie"].partition(";")[0]}
        assert await sees(server, cookie)
        again = await ask(server, "POST", "/first-visit", data={"code": code, "password": "x" * 9, "again": "x" * 9})
        assert (again.status, again.leads_to) == (303, "./sign-in")
        assert await sees(server, await cookie_of(server))
        assert (await guess(server, "x" * 9)).status == 403


async def test_two_first_visits_at_once(tmp_path: Path) -> None:
    """Of two who set the first password at the same moment one does, and the other is asked for it."""
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS) as server:
        code = server.app[keys.ACCESS].setup_code
        forms = [{"code": code, "password": text, "again": text} for text in ("number one one", "number two two")]
        answers = await asyncio.gather(*(ask(server, "POST", "/first-visit", data=form) for form in forms))
        assert sorted(answer.leads_to for answer in answers) == ["./", "./sign-in"]
        assert sum("Set-Cookie" in answer.headers for answer in answers) == 1
        known = [form["password"] for form in forms if (await guess(server, form["password"])).status == 303]
        assert len(known) == 1


async def test_at_the_servers_own_computer_no_code_is_needed(tmp_path: Path) -> None:
    """Who can open the page without a password may set one without the code; the page says that none is set."""
    async with live(tmp_path, options=FRAMES_ONLY) as server:
        assert 'href="./first-visit"' in (await ask(server, "GET", "/")).text
        assert 'name="code"' not in (await ask(server, "GET", "/first-visit")).text
        answer = await ask(server, "POST", "/first-visit", data={"password": PASSWORD, "again": PASSWORD})
        assert (answer.status, answer.leads_to) == (303, "./")
        assert 'href="./first-visit"' not in (await ask(server, "GET", "/")).text


async def test_the_cookie_goes_nowhere_else(tmp_path: Path) -> None:
    """A session's cookie is out of reach for scripts and other sites; over TLS it has a name of its own, and Secure."""
    options = FRAMES_ONLY + "trusted_proxies: [127.0.0.1]\n"
    async with live(tmp_path, options=options) as server:
        await set_up(server)
        plain = (await guess(server, PASSWORD)).headers["Set-Cookie"]
        assert re.fullmatch(r"imageserver_session=[\w-]{43}; HttpOnly; Max-Age=7776000; SameSite=Strict", plain), (
            "no Path: the folder of the address counts, whatever a proxy calls it"
        )
        tls = {"X-Forwarded-For": "192.168.1.77", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/frames"}
        secure = (await guess(server, PASSWORD, **tls)).headers["Set-Cookie"]
        rest = "HttpOnly; Max-Age=7776000; Path=/frames/; SameSite=Strict; Secure"
        assert re.fullmatch(rf"__Secure-imageserver_session=[\w-]{{43}}; {rest}", secure)
        cookie = {"Cookie": secure.partition(";")[0]}
        assert await sees(server, {**cookie, **tls})
        assert not await sees(server, cookie), "what came over TLS is not looked for without it"


async def test_sessions_end(tmp_path: Path) -> None:
    """Signing out ends one session, everywhere all of them; an ended cookie opens nothing."""
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS) as server:
        first = await set_up(server)
        second, third = await cookie_of(server), await cookie_of(server)
        out = await ask(server, "POST", "/sign-out", data={"x": ""}, headers=first)
        assert (out.status, out.leads_to) == (303, "./sign-in")
        assert 'imageserver_session=""; HttpOnly; Max-Age=0' in out.headers["Set-Cookie"]
        assert [await sees(server, one) for one in (first, second, third)] == [False, True, True]
        await ask(server, "POST", "/sign-out", data={"everywhere": "yes"}, headers=first)
        assert await sees(server, second), "who is not signed in signs nobody out"
        await ask(server, "POST", "/sign-out", data={"everywhere": "yes"}, headers=second)
        assert [await sees(server, one) for one in (first, second, third)] == [False, False, False]
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS) as server:
        assert [await sees(server, one) for one in (first, second, third)] == [False, False, False]


async def test_sessions_outlive_a_restart_and_slide(tmp_path: Path) -> None:
    """A session lasts 90 days from its last use, also across restarts, and then it is over."""
    clock = ShiftedClock()
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS, clock=clock) as server:
        cookie, other = await set_up(server), await cookie_of(server)
        assert server.app[keys.ACCESS].setup_code == ""
    clock.shift = 89 * DAY
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS, clock=clock) as server:
        answer = await ask(server, "GET", "/", headers=cookie)
        assert answer.status == 200
        assert answer.headers["Set-Cookie"].startswith(cookie["Cookie"] + "; HttpOnly; Max-Age=7776000;")
        assert "Set-Cookie" not in (await ask(server, "GET", "/", headers=cookie)).headers, "once a day"
    clock.shift = 91 * DAY
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS, clock=clock) as server:
        assert [await sees(server, one) for one in (cookie, other)] == [True, False]
        clock.shift = (91 + 90) * DAY
        assert not await sees(server, cookie)


async def test_there_are_not_endlessly_many_sessions(tmp_path: Path) -> None:
    """Above 200 sessions the one that was used longest ago ends."""
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS) as server:
        sessions = server.app[keys.ACCESS].sessions
        secrets = [await sessions.begin() for _ in range(201)]
        assert [sessions.find(secret) is not None for secret in secrets] == [False] + [True] * 200


async def test_a_journal_that_cannot_be_written_keeps_nobody_out(tmp_path: Path) -> None:
    """On a full disk, say, the owner can sign in all the same; such a session ends with the server."""
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS) as server:
        await set_up(server)
        database = server.app[keys.JOURNAL]._database
        await database.write(lambda connection: connection.execute("ALTER TABLE sessions RENAME TO elsewhere"))
        cookie = await cookie_of(server)
        assert await sees(server, cookie)
        await database.write(lambda connection: connection.execute("ALTER TABLE elsewhere RENAME TO sessions"))
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS) as server:
        assert not await sees(server, cookie)


async def test_five_wrong_guesses(tmp_path: Path) -> None:
    """After five wrong passwords an address is not listened to for 15 minutes, the right one included; frames are."""
    clock = ShiftedClock()
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS, stored=1, clock=clock) as server:
        cookie = await set_up(server)
        assert [(await guess(server)).status for _ in range(4)] == [403] * 4
        assert (await guess(server, PASSWORD)).status == 303, "a right one forgives"
        assert [(await guess(server)).status for _ in range(5)] == [403] * 5
        clock.shift = 600  # the rest of the quarter of an hour is for a slow machine
        for answer in (
            await guess(server, PASSWORD),
            await ask(server, "GET", "/sign-in"),
            await ask(server, "GET", "/api/v1/jobs", headers={"Authorization": "Bearer x"}),
        ):
            assert answer.status == 429
            assert 0 < int(answer.headers["Retry-After"]) <= 900
        assert await sees(server, cookie), "who is signed in stays so"
        assert (await ask(server, "GET", "/api/v1/jobs", headers=OWNER)).status == 200
        for path in ("/frame.jpg", "/healthz", "/key/api/v1/models"):
            assert (await ask(server, "GET", path)).status == 200
        assert (await ask(server, "POST", "/operation/start", json={"type": "old"})).status == 200
        clock.shift = 902
        assert (await guess(server, PASSWORD)).status == 303


@pytest.mark.parametrize("what", ["codes", "tokens"])
async def test_codes_and_tokens_are_guesses_too(tmp_path: Path, what: str) -> None:
    """Five wrong codes or tokens from one address, and it is not listened to; another address is."""
    options = FRAMES_ONLY + "trusted_proxies: [127.0.0.1]\n"
    async with live(tmp_path, options=options) as server:

        async def attempt(address: str) -> int:
            whence = {"X-Forwarded-For": address}
            if what == "tokens":
                answer = await ask(server, "GET", "/", headers={**whence, "Authorization": "Bearer no"})
            else:
                form = {"code": "AAAA-AAAA", "password": PASSWORD, "again": PASSWORD}
                answer = await ask(server, "POST", "/first-visit", data=form, headers=whence)
            return answer.status

        wrong = 401 if what == "tokens" else 403
        assert [await attempt("2001:db8::1") for _ in range(5)] == [wrong] * 5
        assert await attempt("2001:db8::2:3") == 429, "one household has a whole /64"
        assert await attempt("2001:db8:0:1::1") == wrong
        assert await attempt("192.168.1.77") == wrong


async def test_many_guesses_at_once_are_no_way_around(tmp_path: Path) -> None:
    """Of twelve wrong passwords sent in one moment only five are looked at, and at most two at a time."""
    inside, most, lock = 0, 0, threading.Lock()
    two = threading.Event()
    real = password_room.is_password

    def watched(known: str, password: str) -> bool:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside == 2:
                two.set()
        two.wait(60)  # the first for the second, or a busy machine might let them come one after the other
        try:
            return real(known, password)
        finally:
            with lock:
                inside -= 1

    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS) as server:
        await set_up(server)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(password_room, "is_password", watched)
            answers = await asyncio.gather(*(guess(server) for _ in range(12)))
        assert sorted(answer.status for answer in answers) == [403] * 5 + [429] * 7
        assert most == 2


async def test_a_crowd_is_sent_away(tmp_path: Path) -> None:
    """When many passwords wait to be checked the next one is told to come again, and that counts as no guess."""
    options = FRAMES_ONLY + "trusted_proxies: [127.0.0.1]\n"
    async with live(tmp_path, options=options) as server:
        await set_up(server)
        release = threading.Event()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(password_room, "is_password", lambda _known, _password: release.wait(60))
            access = server.app[keys.ACCESS]
            waiting = [asyncio.ensure_future(access.sign_in("whatever", f"192.168.1.{one}")) for one in range(18)]
            await asyncio.sleep(0)  # each of them begins
            for _ in range(6):
                answer = await guess(server, **{"X-Forwarded-For": "192.168.1.99"})
                assert (answer.status, answer.headers["Retry-After"]) == (429, "5")
            release.set()
            assert None not in await asyncio.gather(*waiting)
        assert (await guess(server, PASSWORD, **{"X-Forwarded-For": "192.168.1.99"})).status == 303


async def test_the_password_of_a_file(tmp_path: Path) -> None:
    """`password_file` sets the password at each start; another one signs everybody out, the same one nobody."""
    file = tmp_path / "secret"
    options = FRAMES_ONLY + f"password_file: {file}\n"
    file.write_text("the first of two\n", encoding="utf-8")
    async with live(tmp_path, options=options, environment=STRANGERS) as server:
        assert server.app[keys.ACCESS].setup_code == ""
        cookie = await cookie_of(server, "the first of two")
        answer = await ask(server, "POST", "/api/v1/password", json={"password": "another one"}, headers=OWNER)
        assert (answer.status, answer.code) == (409, "password_refused")
    async with live(tmp_path, options=options, environment=STRANGERS) as server:
        assert await sees(server, cookie)
    file.write_text("the second of two", encoding="utf-8")
    async with live(tmp_path, options=options, environment=STRANGERS) as server:
        assert not await sees(server, cookie)
        assert await sees(server, await cookie_of(server, "the second of two"))


async def test_another_password_signs_everybody_out(tmp_path: Path) -> None:
    """What the command line sets counts at once, and cookies of before open nothing."""
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS) as server:
        cookie = await set_up(server)
        answer = await ask(server, "POST", "/api/v1/password", json={"password": "short"}, headers=OWNER)
        assert (answer.status, answer.code) == (400, "unfit")
        answer = await ask(server, "POST", "/api/v1/password", json={"password": "nine lives"}, headers=OWNER)
        assert answer.status == 200
        assert not await sees(server, cookie)
        assert (await guess(server)).status == 403
        assert await sees(server, await cookie_of(server, "nine lives"))


async def test_letters_that_look_alike_are_one(tmp_path: Path) -> None:
    """A phone and a computer may send one letter in two ways, and both are the password."""
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS) as server:
        await set_up(server, "Тёплый чай")
        assert await sees(server, await cookie_of(server, "Те\u0308плыи\u0306 чаи\u0306"))


class _Page(HTMLParser):
    """What there is on a page that a browser with a strict policy, or a reader without eyes, minds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.labels: set[str] = set()
        self.fields: set[str] = set()
        self.headings = 0
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.headings += tag == "h1"
        self.labels |= {said["for"]} if tag == "label" else set()
        if tag == "input" and "hidden" not in said:
            self.fields.add(said["id"])
        self.inline += [tag] if tag == "style" or (tag == "script" and "src" not in said) else []
        self.inline += [name for name in said if name.startswith("on") or name == "style"]
        self.addresses += [said[name] for name in ("href", "src", "action") if name in said]


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_pages_are_plain_and_relative(tmp_path: Path, language: str) -> None:
    """No page has inline script or style or an absolute address, and each field has its label."""
    async with live(tmp_path, options=FRAMES_ONLY, environment=STRANGERS, stored=1) as server:
        headers = {"Accept-Language": language}
        pages = [await ask(server, "GET", "/first-visit", headers=headers)]
        cookie = await set_up(server)
        pages.append(await ask(server, "GET", "/sign-in", headers=headers))
        await server.done((await server.start(type="old"))["id"])  # so that a picture hangs there
        pages.append(await ask(server, "GET", "/", headers={**headers, **cookie}))
        pages.append(await ask(server, "GET", "/", headers={**headers, "Host": "evil.example", **HTML}))
        for page in pages:
            policy = page.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; ")
            assert "unsafe" not in policy
            assert f'<html lang="{language}">' in page.text
            assert page.headers["Cache-Control"] == "no-store"
            seen = _Page(page.text)
            assert seen.headings == 1
            assert seen.inline == []
            assert seen.fields <= seen.labels
            assert seen.addresses
            assert [one for one in seen.addresses if one.startswith("/") or ":" in one] == []
