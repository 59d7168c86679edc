"""The owner's workflow: what is put in, and what is said about a file that cannot be used."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from default_plugins.comfyui_room import WORKFLOW, a_wish, changed, room
from imageserver import BadProviderRequest
from imageserver.default_plugins.comfyui.workflow import read_workflow

UI_FORMAT = {"last_node_id": 9, "nodes": [{"id": 9, "type": "SaveImage"}], "links": [], "version": 0.4}
# What stands in the file, and what the owner must read
UNUSABLE: list[tuple[bytes, str]] = [
    (b"", "no JSON"),
    (b"\xff\xfe\x00", "no JSON"),
    (b"[" * 100_000, "no JSON"),
    (b"[]", "no workflow"),
    (b"{}", "no workflow"),
    (json.dumps(UI_FORMAT).encode(), "Export (API)"),
    (b'{"3": {"inputs": {}}}', '"3" is no node with a class_type'),
    (b'{"3": {"class_type": "KSampler"}}', 'node "3" has no inputs'),
    (json.dumps(changed("6", text="a heron")).encode(), "no {prompt}"),
    (b'{"3": "' + b" " * 5_000_000 + b'"}', "no JSON"),
]


def written(folder: Path, workflow: object) -> Path:
    file = folder / "workflow.json"
    file.write_text(json.dumps(workflow), encoding="utf-8-sig")
    return file


def test_words_around_a_placeholder_stay(tmp_path: Path) -> None:
    """A placeholder within a text is a text, one that is the whole value a number."""
    workflow = read_workflow(written(tmp_path, changed("9", filename_prefix="{prompt} {seed} {width}x{height}")))
    graph = workflow.filled(a_wish(), 768, "order-1")
    assert graph["9"]["inputs"]["filename_prefix"] == "a heron in the reeds 4242 512x768"
    assert graph["3"]["inputs"]["seed"] == 4242


def test_a_prompt_with_a_placeholder_stays_a_prompt(tmp_path: Path) -> None:
    """What a frame sends is a text, whatever stands in it, quotes and braces too."""
    prompt = 'a sign that says "{seed}" and {negative} \\ {"}'
    graph = read_workflow(written(tmp_path, WORKFLOW)).filled(a_wish(prompt), 768, "order-1")
    assert graph["6"]["inputs"]["text"] == prompt


def test_only_the_last_nodes_know_the_order(tmp_path: Path) -> None:
    """So everything before them may be taken from ComfyUI's cache; the file's own graph stays as it is."""
    workflow = read_workflow(written(tmp_path, WORKFLOW))
    graph = workflow.filled(a_wish(), 768, "order-1")
    assert [name for name, node in graph.items() if "order-1" in node["inputs"].values()] == ["9"]
    assert workflow.graph == WORKFLOW


@pytest.mark.parametrize(
    ("text", "words"), UNUSABLE, ids=[case[1] + str(number) for number, case in enumerate(UNUSABLE)]
)
async def test_a_file_that_cannot_be_used_is_explained(tmp_path: Path, text: bytes, words: str) -> None:
    """Readiness, check and the order name the file and what is wrong with it; nothing is sent."""
    async with room(tmp_path, workflow=None) as it:
        file = tmp_path / "comfyui-workflow.json"
        file.write_bytes(text)
        for missing in (await it.provider.readiness(), await it.provider.check()):
            assert missing is not None
            assert str(file) in missing
            assert words in missing
        with pytest.raises(BadProviderRequest, match="workflow"):
            await it.provider.submit(a_wish())
    assert it.fake.ledger.requests == []


async def test_a_missing_file_is_looked_for_again(tmp_path: Path) -> None:
    """A file that is written later counts without a restart; a folder is no file."""
    async with room(tmp_path, workflow=None) as it:
        file = tmp_path / "comfyui-workflow.json"
        assert "there is no such file" in str(await it.provider.readiness())
        file.mkdir()
        assert "cannot be read" in str(await it.provider.readiness())
        file.rmdir()
        file.write_text(json.dumps(WORKFLOW))
        assert await it.provider.readiness() is None


async def test_a_workflow_without_a_seed_is_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It paints, so it is ready; the log and the check say what is wrong. The picture has no seed then."""
    caplog.set_level(logging.WARNING)
    async with room(tmp_path, workflow=changed("3", seed=7)) as it:
        assert await it.provider.readiness() is None
        assert await it.provider.readiness() is None
        assert "no {seed}" in str(await it.provider.check())
        image = await it.image()
    assert image.seed is None
    assert caplog.text.count("no {seed}") == 1


@pytest.mark.parametrize(
    ("workflow", "words"),
    [
        (WORKFLOW, None),
        (changed("4", ckpt_name="gone.safetensors"), 'no ckpt_name "gone.safetensors" for node 4'),
        (changed("3", sampler_name="euler_b"), "it has euler, dpmpp_2m"),
        ({**WORKFLOW, "12": {"class_type": "FaceDetailer", "inputs": {}}}, "no node FaceDetailer"),
    ],
)
async def test_the_check_finds_what_comfyui_lacks(tmp_path: Path, workflow: object, words: str | None) -> None:
    """Nodes and models are looked up by name; nothing is ordered."""
    async with room(tmp_path, workflow=workflow) as it:
        missing = await it.provider.check()
    assert missing is None if words is None else words in str(missing)
    assert it.fake.ledger.charges == []
