"""ComfyUI on the owner's PC: an order goes in, a picture comes out, and what nobody waits for is taken back."""

from __future__ import annotations

import asyncio
import io
import logging
import socket
from pathlib import Path
from typing import Any

import pytest
from fakes.comfyui import MODEL
from PIL import Image

from default_plugins.comfyui_room import a_wish, changed, provider_at, room
from default_plugins.running_out import TIMEOUT, run_out
from imageserver import (
    BadProviderRequest,
    BadResult,
    DeadlineExceeded,
    ProviderError,
    TransientError,
    Unreachable,
)
from imageserver.default_plugins.comfyui.settings import ComfyUiSettings
from imageserver.testing import NEVER_ACCEPTS, BadWire

# Mode of the fake, class, what the owner must read
FAILURES: list[tuple[str, type[ProviderError], list[str]]] = [
    ("failed", BadResult, ["node 3 (KSampler)", "shapes differ"]),
    ("out_of_memory", BadResult, ["node 3 (KSampler)", "lower pixels", "exceed allowed memory"]),
    ("no_reason", BadResult, ["does not say why"]),
    ("interrupted", BadResult, ["somebody interrupted"]),
    ("evicted", BadResult, ["no longer knows the order"]),
    ("cached", BadResult, ["without a new picture", "SaveImage", "{seed}"]),
    ("video", BadResult, ["no PNG, JPEG or WEBP", "SaveImage"]),
    ("file_gone", BadResult, ["no longer on the PC"]),
    ("no_prompt", BadProviderRequest, ["refuses the workflow", "no prompt"]),
    ("node_errors", BadProviderRequest, ["node 4 (CheckpointLoaderSimple): Value not in list: ckpt_name"]),
    ("no_prompt_id", BadResult, ["no prompt_id"]),
]


async def test_a_wish_becomes_a_picture(tmp_path: Path) -> None:
    """Texts, seed and size stand where the placeholders stood; the picture is the one that was saved."""
    async with room(tmp_path) as it:
        image = await it.image()
    graph = it.fake.graphs[0]
    assert (graph["6"]["inputs"]["text"], graph["7"]["inputs"]["text"]) == ("a heron in the reeds", "people")
    assert (graph["3"]["inputs"]["seed"], graph["5"]["inputs"]["width"], graph["5"]["inputs"]["height"]) == (
        4242,
        680,
        1024,
    )
    assert it.fake.viewed == [{"filename": "frame_00001_.png", "subfolder": "frames", "type": "output"}]
    assert (image.model, image.seed) == (MODEL, 4242)
    assert Image.open(io.BytesIO(image.data)).size == (256, 384)


async def test_an_order_is_waited_for(tmp_path: Path) -> None:
    """While it is queued or runs there is no picture and no error."""
    async with room(tmp_path, polls=2) as it:
        ticket = await it.provider.submit(a_wish())
        answers = [await it.provider.poll(ticket) for _ in range(3)]
    assert [answer is None for answer in answers] == [True, True, False]


async def test_the_same_wish_gives_a_picture_again(tmp_path: Path) -> None:
    """ComfyUI paints a graph once only, so that no two orders are the same graph, even with one seed."""
    async with room(tmp_path) as it:
        await it.image()
        await it.image()
    first, second = it.fake.graphs
    assert first["3"] == second["3"]
    assert first["9"] != second["9"]


@pytest.mark.parametrize(("mode", "kind", "words"), FAILURES, ids=[case[0] for case in FAILURES])
async def test_a_failure_has_its_class_and_its_remedy(
    tmp_path: Path, mode: str, kind: type[ProviderError], words: list[str]
) -> None:
    """Each known failure is final, and names the node or what the owner can do."""
    async with room(tmp_path, mode) as it:
        with pytest.raises(ProviderError) as caught:
            await it.image()
    assert type(caught.value) is kind
    for word in words:
        assert word in str(caught.value)


async def test_a_wrong_node_is_named_in_few_words(tmp_path: Path) -> None:
    """What ComfyUI says about each node is shown, one line, shortened; nothing is painted."""
    async with room(tmp_path, workflow=changed("4", ckpt_name="x" * 500)) as it:
        with pytest.raises(BadProviderRequest, match=r"node 4 \(CheckpointLoaderSimple\): Value not in list") as caught:
            await it.provider.submit(a_wish())
    assert len(str(caught.value)) < 300
    assert it.fake.ledger.charges == []


async def test_errors_of_a_part_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An order that is taken in spite of wrong nodes goes on; the log names them."""
    async with room(tmp_path, "partly") as it:
        assert (await it.image()).data
    assert "node 4 (CheckpointLoaderSimple)" in caplog.text


@pytest.mark.parametrize(("mode", "folder"), [("preview_too", "output"), ("preview_only", "temp")])
async def test_what_was_saved_comes_before_a_preview(tmp_path: Path, mode: str, folder: str) -> None:
    """A preview is taken only when nothing was saved."""
    async with room(tmp_path, mode) as it:
        await it.image()
    assert [asked["type"] for asked in it.fake.viewed] == [folder]


async def test_a_very_large_picture_is_asked_for_as_jpeg(tmp_path: Path) -> None:
    """A PNG above the limit comes in a smaller form, not as an error."""
    async with room(tmp_path, "large") as it:
        image = await it.image()
    assert image.data.startswith(b"\xff\xd8")
    assert [asked.get("preview") for asked in it.fake.viewed] == [None, "jpeg;90"]


async def test_a_restarted_server_finds_the_picture(tmp_path: Path) -> None:
    """A new instance polls an old ticket, and knows model and seed from the history."""
    async with room(tmp_path) as it:
        ticket = await it.provider.submit(a_wish())
        async with provider_at(it.fake.url, tmp_path) as later:
            image = await later.provider.poll(ticket)
    assert image is not None
    assert (image.model, image.seed) == (MODEL, 4242)


@pytest.mark.parametrize("wire", [BadWire.HTML, BadWire.REDIRECT, BadWire.CUT_TEXT, BadWire.STATUS_502])
async def test_a_proxy_in_the_way_does_not_cost_the_ticket(tmp_path: Path, wire: BadWire) -> None:
    """An answer that is not ComfyUI's is asked for again."""
    async with room(tmp_path) as it:
        ticket = await it.provider.submit(a_wish())
        await it.fake.become(wire)
        with pytest.raises(TransientError):
            await it.provider.poll(ticket)
        await it.fake.become("good")
        assert await it.provider.poll(ticket) is not None


async def test_an_order_that_waits_too_long_is_deleted(tmp_path: Path) -> None:
    """After the timeout it is taken off the queue; the picture of somebody else runs on. The end is final."""
    async with room(tmp_path, "queued", timeout=900.0) as it:
        it.fake.executing.append("somebody-elses")
        ticket = await it.provider.submit(a_wish())
        it.clock.set(it.clock.now() + 5000)  # the wall clock does not count
        assert await it.provider.poll(ticket) is None
        await it.clock.advance(901)
        with pytest.raises(BadResult, match="within 900 s"):
            await it.provider.poll(ticket)
    assert it.fake.deleted == [ticket]
    assert it.fake.interrupted == []


async def test_an_order_that_runs_too_long_is_interrupted(tmp_path: Path) -> None:
    """By its id, so that newer versions stop no other one."""
    async with room(tmp_path, "running", timeout=900.0) as it:
        ticket = await it.provider.submit(a_wish())
        await it.clock.advance(901)
        with pytest.raises(BadResult, match="within 900 s"):
            await it.provider.poll(ticket)
    assert it.fake.interrupted == [ticket]


async def test_a_picture_that_comes_late_is_taken(tmp_path: Path) -> None:
    """What is finished is not thrown away, however long it took."""
    async with room(tmp_path, timeout=900.0) as it:
        ticket = await it.provider.submit(a_wish())
        await it.clock.advance(2000)
        assert await it.provider.poll(ticket) is not None


async def test_an_order_whose_id_never_came_is_taken_back(tmp_path: Path) -> None:
    """When submit runs into its time the order is found by our client_id, and only that one is deleted."""
    async with room(tmp_path, "deaf", timeout=TIMEOUT) as it:
        it.fake.executing.append("somebody-elses")
        with pytest.raises(DeadlineExceeded):
            await run_out(it.provider.submit(a_wish()), it.fake, has_taken=it.fake.taken.is_set)
    assert it.fake.deleted == list(it.fake.orders)
    assert len(it.fake.deleted) == 1
    assert it.fake.interrupted == []


async def test_a_cancelled_submit_takes_its_order_back(tmp_path: Path) -> None:
    """A second cancellation does not keep that from happening: closing waits for it."""
    async with room(tmp_path, "deaf") as it:
        call = asyncio.create_task(it.provider.submit(a_wish()))
        await it.fake.taken.wait()
        call.cancel()
        await asyncio.sleep(0)  # it begins to take the order back
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await it.provider.close()
        assert it.fake.deleted == list(it.fake.orders)
        assert len(it.fake.deleted) == 1


async def test_an_order_that_cannot_be_taken_back_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Taking back is done as well as it goes; what the caller learns is the first failure."""
    caplog.set_level(logging.INFO)
    async with room(tmp_path, BadWire.RESET) as it:
        with pytest.raises(TransientError):
            await it.provider.submit(a_wish())
    assert "is not taken back" in caplog.text


async def test_a_sleeping_pc_is_no_drama(tmp_path: Path) -> None:
    """A refused connection is Unreachable, with a calm sentence that readiness gives too."""
    with socket.socket() as taken:  # nobody listens there, and nobody else can begin to
        taken.bind(("127.0.0.1", 0))
        async with provider_at(f"http://127.0.0.1:{taken.getsockname()[1]}", tmp_path) as it:
            with pytest.raises(Unreachable, match="The PC may sleep"):
                await it.provider.submit(a_wish())
            assert "The PC may sleep" in str(await it.provider.readiness())
            assert "The PC may sleep" in str(await it.provider.check())


async def test_a_pc_that_does_not_pick_up_is_unreachable(tmp_path: Path) -> None:
    """A connection that never comes about ends after the connect timeout."""
    async with room(tmp_path, timeout=TIMEOUT) as it:
        await it.fake.become(NEVER_ACCEPTS)
        with pytest.raises(Unreachable):
            await run_out(it.provider.submit(a_wish()), it.fake)
        await it.fake.become("good")


@pytest.mark.parametrize(
    ("mode", "words"), [("good", None), ("stranger", "no ComfyUI"), ("html", "no JSON"), ("reset", "broke off")]
)
async def test_readiness_names_what_is_missing(tmp_path: Path, mode: str, words: str | None) -> None:
    """One sentence, nothing raised, nothing ordered."""
    async with room(tmp_path, mode) as it:
        missing = await it.provider.readiness()
    assert missing is None if words is None else words in str(missing)
    assert it.fake.ledger.charges == []


async def test_a_busy_comfyui_is_ready(tmp_path: Path) -> None:
    """One that takes the question and is silent is there."""
    async with room(tmp_path, BadWire.SILENT) as it:
        assert await run_out(it.provider.readiness(), it.fake) is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base_url": "192.168.1.20:8188"}, "http://192.168.1.20:8188"),
        ({"base_url": "http://me:secret@pc:8188"}, "without a user"),
        ({"pixels": 1001}, "multiple of 8"),
        ({"timeout": 4000.0}, "up to 3600"),
    ],
)
def test_a_wrong_setting_is_explained(settings: dict[str, Any], words: str) -> None:
    """Each says what was expected."""
    with pytest.raises(ValueError, match=words):
        ComfyUiSettings(**{"base_url": "http://pc:8188", **settings})
