"""What a frame does during a sweep: it wishes, it asks, and it bears a server that vanishes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp

from faults.lanes import HANG_LIMIT, Server

NEGATIVE = "люди"


async def wish_and_wait(server: Server, data: Path, prompt: str) -> str | None:
    """A frame's wish and its questions until it is done or the server is gone; the id when one was given."""
    wish = {"type": "ydart", "prompt": prompt, "negative": NEGATIVE}
    try:
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as http,
            http.post("/operation/start", json=wish) as answer,
        ):
            given = str((await answer.json())["id"])
    except aiohttp.ClientError:
        return None
    await results(server, data, given)
    return given


async def results(server: Server, data: Path, job: str) -> str:
    """Ask for the result until it is there: "done", what came instead, or "gone" with the server."""
    url = f"http://127.0.0.1:{server.port}"
    try:
        async with asyncio.timeout(HANG_LIMIT), aiohttp.ClientSession(url) as http:
            while True:
                async with http.get(f"/operation/result/{job}") as answer:
                    said = await answer.json()
                    if answer.status != 200 or said["status"] != "pending":
                        break
            # what is left to do once the frame has its picture
            while _kept_answers(data):
                async with http.get("/healthz") as answer:
                    await answer.read()
            return str(said["status"]) if answer.status == 200 else f"{answer.status} {said}"
    except aiohttp.ClientError:
        return "gone"


async def is_there(server: Server) -> bool:
    try:
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as http,
            http.get("/healthz") as answer,
        ):
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def _kept_answers(data: Path) -> list[Path]:
    return list(data.glob("answers/*"))
