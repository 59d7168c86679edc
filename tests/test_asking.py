"""Asking for a picture on the page, and seeing it being made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from live import Gate, Live, failing, live, painter, refuse, ticketed, waiting

from imageserver import AuthError
from imageserver.errors import TooManyWatching
from imageserver.job_news import JobNews
from imageserver.web import keys

QUIET = "disabled_providers: [atelier]\n"
KITCHEN = QUIET + "frames: {kitchen: {address: 127.0.0.1, image_width: 480, image_height: 320}}\n"


async def begin(server: Live, **body: object) -> tuple[int, dict[str, Any]]:
    async with server.http.post("/api/v1/jobs", json=body) as answer:
        return answer.status, await answer.json()


async def told(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """The events of a stream, until it ends."""
    assert (answer.status, answer.content_type) == (200, "text/event-stream")
    async for line in answer.content:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


async def test_a_wish_is_seen_being_made(tmp_path: Path) -> None:
    """Each state is told as it comes, and the stream ends with the picture."""
    gate = Gate()
    async with live(tmp_path, waiting(gate), options=QUIET, stored=1) as server:
        status, job = await begin(server, prompt="a heron", provider="waiting")
        assert (status, job["state"], job["why"]) == (201, "queued", "asked for waiting")
        await gate.reached.wait()
        async with server.http.get(f"/api/v1/jobs/{job['id']}/events") as answer:
            events = told(answer)
            first = await anext(events)
            assert (first["state"], first["provider"], first["picture"]) == ("calling", "waiting", None)
            gate.open()
            rest = [event async for event in events]
        assert [event["state"] for event in rest] == ["done"]
        picture = await server.app[keys.STORE].picture(rest[0]["picture"])
        assert picture is not None
        assert picture.prompt == "a heron"
        async with server.http.get(f"/api/v1/jobs/{job['id']}/events") as answer:
            assert [event["state"] async for event in told(answer)] == ["done"], "afterwards it is told at once"


async def test_a_ticket_and_a_failure_are_told(tmp_path: Path) -> None:
    """That a provider has taken a wish on is a step; that one failed is another, with its reason."""
    slow = ticketed()
    async with live(tmp_path, slow, failing(refuse(AuthError, "the key is wrong")), options=QUIET, stored=1) as server:
        _, job = await begin(server, prompt="a heron", provider="ticketed")
        async with server.http.get(f"/api/v1/jobs/{job['id']}/events") as answer:
            states = []
            async for event in told(answer):
                states.append(event["state"])
                if event["state"] == "waiting":
                    slow.finished = True
                    await server.result(job["id"])  # a question wakes the poll
        assert states[-2:] == ["waiting", "done"]
        _, job = await begin(server, provider="failing")
        async with server.http.get(f"/api/v1/jobs/{job['id']}/events") as answer:
            last = [event async for event in told(answer)][-1]
        assert (last["state"], last["error"]) == ("done", "auth")
        assert "the key is wrong" in last["message"]


async def test_for_a_frame_it_has_its_shape_and_hangs_there_next(tmp_path: Path) -> None:
    """A picture asked for a frame is made in its proportions and comes at its next visit; laps do not lose it."""
    kind = painter()
    async with live(tmp_path, kind, options=KITCHEN, stored=3) as server:
        await server.done((await server.start(type="old"))["id"])
        _, job = await begin(server, prompt="a heron", frame="kitchen")
        await server.ended(job["id"])
        assert (kind.asked[0].width, kind.asked[0].height) == (480, 320)
        made = await server.picture_of(job["id"])
        operation = (await server.start(type="auto"))["id"]
        await server.done(operation)
        assert await server.picture_of(operation) == made


async def test_for_nobody_it_is_new_to_all(tmp_path: Path) -> None:
    """Without a frame the picture is the next new one of every frame."""
    async with live(tmp_path, painter(), options=KITCHEN, stored=3) as server:
        await server.done((await server.start(type="old"))["id"])
        _, job = await begin(server, prompt="a heron")
        await server.ended(job["id"])
        operation = (await server.start(type="old"))["id"]
        await server.done(operation)
        assert await server.picture_of(operation) == await server.picture_of(job["id"])


async def test_a_variation(tmp_path: Path) -> None:
    """Another one like a picture has its prompt, negative and provider, and another seed."""
    kind = painter()
    async with live(tmp_path, kind, painter("other"), options=QUIET, stored=1) as server:
        _, job = await begin(server, prompt="a heron", negative="people", provider="painter")
        await server.ended(job["id"])
        _, again = await begin(server, like=await server.picture_of(job["id"]))
        await server.ended(again["id"])
        one, two = kind.asked
        assert (one.prompt, one.negative) == (two.prompt, two.negative) == ("a heron", "people")
        assert one.seed != two.seed
        assert (await begin(server, like=1))[0] == 404, "nobody knows what the owner's own picture was made from"


async def test_what_cannot_be_asked(tmp_path: Path) -> None:
    """Unknown providers, frames and jobs, and what is no text, are refused; nothing is begun."""
    async with live(tmp_path, painter(), options=QUIET) as server:
        for body in ({"provider": "nobody"}, {"frame": "nowhere"}, {"prompt": 5}, {"like": "x"}):
            assert (await begin(server, **body))[0] == 400, body
        assert await server.app[keys.JOURNAL].jobs.recent(5) == []
        async with server.http.get("/api/v1/jobs/nothing/events") as answer:
            assert answer.status == 404


async def test_when_nobody_can_paint_it_says_so(tmp_path: Path) -> None:
    """The answer tells at once that a stored picture stands in, and why."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        status, job = await begin(server, prompt="a heron")
        assert (status, job["state"]) == (201, "done")
        assert job["why"].startswith("no provider is ready")
        async with server.http.get(f"/api/v1/jobs/{job['id']}/events") as answer:
            assert [event["picture"] async for event in told(answer)] == [1]


async def test_the_price_stands_there_before_the_click(tmp_path: Path) -> None:
    """Each provider's price, and what any of them may cost; what cannot take a prompt is not offered."""
    dear = painter("dear", paid=True, default_price=Decimal("2.2"), title="Dear")
    mute = painter("mute", takes_prompt=False)
    async with live(tmp_path, painter(), dear, mute, options=KITCHEN) as server:
        async with server.http.get("/ask") as answer:
            text = await answer.text()
        assert '<option value="dear" data-cost="2.2">Dear</option>' in text
        assert '<option value="" data-cost="from 0 to 2.2, depending on who paints">whoever is ready</option>' in text
        assert 'value="mute"' not in text
        assert '<option value="kitchen">kitchen</option>' in text
        async with server.http.get("/providers") as answer:
            text = await answer.text()
        assert "Test now, for 2.2" in text
        assert "A test buys one picture for 2.2. Go on?" in text


async def test_a_stop_lets_watchers_go(tmp_path: Path) -> None:
    """Whoever watches a job that does not end is let go when the server stops."""
    gate = Gate()
    async with live(tmp_path, waiting(gate), options=QUIET) as server:
        _, job = await begin(server, provider="waiting")
        await gate.reached.wait()
        async with server.http.get(f"/api/v1/jobs/{job['id']}/events") as answer:
            events = told(answer)
            assert (await anext(events))["state"] == "calling"
            server.app[keys.OPEN_JOBS].release()
            assert [event async for event in events] == []
            assert server.app[keys.OPEN_JOBS].news._watching == {}
        gate.open()


async def test_watchers_are_bounded() -> None:
    """The 65th is turned away; a place is free again as soon as one leaves."""
    news = JobNews()
    with ExitStack() as many, news.watching("a") as first:
        for _ in range(62):
            many.enter_context(news.watching("b"))
        with news.watching("a") as second:
            with pytest.raises(TooManyWatching), news.watching("c"):
                pass
            news.tell("a")
            assert first.is_set()
            assert second.is_set()
        with news.watching("c") as third:
            news.tell("a")
            assert not third.is_set()
            news.close()
            await asyncio.wait_for(third.wait(), 5)
