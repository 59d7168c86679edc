"""The prompt library on the page: changed, moved and removed where the owner's file keeps all else."""

from __future__ import annotations

import itertools
import logging
import random
from pathlib import Path
from typing import Any

import pytest
from live import Live, live

from imageserver.errors import PromptRefused
from imageserver.prompts import Edit, PromptLibrary

QUIET = "disabled_providers: [atelier]\n"
FILE = """\
# my prompts
global_placeholders:
  color: [red, blue]  # two are enough
prompts:
  # the fox stays
  - idx: 1
    prompt: a [[color]] fox  # in any season
    negative: people
  - idx: 2   # the heron
    prompt: |
      a heron
      in the reeds
    placeholders: {time: [dawn, dusk]}

  # a comment of its own
  - idx: 3
    prompt: 'a lighthouse'
    translations: {ru: маяк}
"""


def library(folder: Path, text: str = FILE, name: str = "prompts.yaml") -> PromptLibrary:
    (folder / name).write_text(text, encoding="utf-8", newline="")
    made = PromptLibrary(folder, 10, logging.getLogger("test"))
    made.open()
    return made


def edit(made: PromptLibrary, **what: Any) -> list[str]:
    """The texts afterwards, oldest first."""
    return [prompt.text for prompt in made.edit(made.standing().version, Edit(**what)).prompts]


def test_words_are_changed_and_nothing_else(tmp_path: Path) -> None:
    """New words take the place of the old ones; comments, order, quotes and lists stay as they were."""
    made = library(tmp_path)
    assert edit(made, idx=1, text="a [[color]] owl: “hoo”", negative="people") == [
        "a [[color]] owl: “hoo”",
        "a heron\nin the reeds",
        "a lighthouse",
    ]
    now = (tmp_path / "prompts.yaml").read_text(encoding="utf-8")
    assert now == FILE.replace("a [[color]] fox  #", '"a [[color]] owl: “hoo”"  #')


@pytest.mark.parametrize(
    ("what", "old", "new"),
    [
        ({"idx": 1, "text": "a [[color]] fox"}, "    negative: people\n", ""),
        ({"idx": 1, "text": "a [[color]] fox", "negative": "cats"}, "people", '"cats"'),
        ({"idx": 2, "text": "a crane"}, "|\n      a heron\n      in the reeds\n", '"a crane"\n'),
        (
            {"idx": 3, "text": "a lighthouse", "negative": "ships"},
            "'a lighthouse'\n",
            "'a lighthouse'\n    negative: \"ships\"\n",
        ),
    ],
)
def test_each_kind_of_word(tmp_path: Path, what: dict[str, Any], old: str, new: str) -> None:
    """A negative goes, changes and comes; a text over several lines becomes one; every other line stays."""
    edit(library(tmp_path), **what)
    assert (tmp_path / "prompts.yaml").read_text(encoding="utf-8") == FILE.replace(old, new, 1)


def test_moving_changes_numbers_only(tmp_path: Path) -> None:
    """Every move of one of three gives the order that a list would have, and no line but the numbers changes."""
    for idx, to in itertools.product((1, 2, 3), repeat=2):
        made = library(tmp_path)
        texts = [prompt.text for prompt in made.all()]
        moved = texts.pop(idx - 1)
        texts.insert(to - 1, moved)
        assert edit(made, idx=idx, to=to) == texts
        now = (tmp_path / "prompts.yaml").read_text(encoding="utf-8")
        lines = zip(now.splitlines(), FILE.splitlines(), strict=True)
        assert all("- idx: " in new for new, old in lines if new != old)


def test_removing_keeps_comments(tmp_path: Path) -> None:
    """The entry goes, the others move up, and comments on lines of their own stay."""
    made = library(tmp_path)
    assert edit(made, idx=2, to=0) == ["a [[color]] fox", "a lighthouse"]
    now = (tmp_path / "prompts.yaml").read_text(encoding="utf-8")
    assert "heron" not in now
    for comment in ("# my prompts", "# two are enough", "# the fox stays", "# in any season", "# a comment of its own"):
        assert comment in now
    assert edit(made, idx=1, to=0) == ["a lighthouse"]
    edit(made, idx=1, to=0)
    assert made.draw(random.Random(1)).text == "test"


def test_a_list_in_brackets_is_changed_too(tmp_path: Path) -> None:
    """A shape that cannot be changed in place is written anew, with its comments."""
    made = library(tmp_path, "# mine\nprompts: [{idx: 1, prompt: a fox}, {idx: 2, prompt: an owl}]\n")
    assert edit(made, idx=2, to=1) == ["an owl", "a fox"]
    assert edit(made, idx=1, text="a crane", negative="cats") == ["a crane", "a fox"]
    assert "# mine" in (tmp_path / "prompts.yaml").read_text(encoding="utf-8")


def test_json_and_windows_lines(tmp_path: Path) -> None:
    """prompts.json keeps keys that are not ours; a file with Windows' line ends keeps them."""
    made = library(tmp_path, '{"prompts": [{"idx": 1, "prompt": "a fox", "mine": 1}], "more": 2}', "prompts.json")
    assert edit(made, idx=1, text="an owl") == ["an owl"]
    text = (tmp_path / "prompts.json").read_text(encoding="utf-8")
    assert '"mine": 1' in text
    assert '"more": 2' in text
    folder = tmp_path / "windows"
    folder.mkdir()
    edit(library(folder, FILE.replace("\n", "\r\n")), idx=3, text="a lighthouse", negative="ships")
    data = (folder / "prompts.yaml").read_bytes()
    assert data.count(b"\n") == data.count(b"\r\n") == FILE.count("\n") + 1


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ({"idx": 4, "to": 1}, "not_found"),
        ({"idx": 1, "to": 4}, "not_found"),
        ({"idx": 0, "to": 0}, "not_found"),
        ({"idx": 1, "text": "   "}, "empty"),
        ({"idx": 1, "text": "a [[colour]] fox"}, "unfit"),
        ({"idx": 1, "text": "x" * 10_001}, "unfit"),
        ({"idx": 1, "text": "a lighthouse"}, "duplicate"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, what: dict[str, Any], refusal: str) -> None:
    """The file stays as it is, and the refusal says why."""
    made = library(tmp_path)
    with pytest.raises(PromptRefused) as caught:
        edit(made, **what)
    assert caught.value.refusal == refusal
    assert (tmp_path / "prompts.yaml").read_text(encoding="utf-8") == FILE


def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    """Who edits by hand at the same time loses nothing; a broken file is not touched either."""
    made = library(tmp_path)
    version = made.standing().version
    theirs = FILE.replace("fox", "badger")
    (tmp_path / "prompts.yaml").write_text(theirs, encoding="utf-8")
    with pytest.raises(PromptRefused) as caught:
        made.edit(version, Edit(idx=1, to=0))
    assert caught.value.refusal == "changed"
    assert (tmp_path / "prompts.yaml").read_text(encoding="utf-8") == theirs
    (tmp_path / "prompts.yaml").write_text("prompts: [", encoding="utf-8")
    standing = made.standing()
    assert len(standing.prompts) == 3, "the good ones are in use"
    assert standing.problems
    with pytest.raises(PromptRefused) as caught:
        made.edit(standing.version, Edit(idx=1, to=0))
    assert caught.value.refusal == "broken_library"


async def call(server: Live, method: str, path: str = "", **body: object) -> tuple[int, dict[str, Any]]:
    async with server.http.request(method, f"/api/v1/prompts{path}", json=body) as answer:
        return answer.status, await answer.json()


async def test_programs_and_the_page(tmp_path: Path) -> None:
    """Listing, adding, changing, moving, trying and removing, over the API; the page shows what there is."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/prompts.yaml").write_text(FILE, encoding="utf-8")
    async with live(tmp_path, options=QUIET) as server:
        status, now = await call(server, "GET")
        assert (status, now["file"], len(now["prompts"])) == (200, "prompts.yaml", 3)
        assert now["prompts"][2] == {
            "idx": 3,
            "prompt": "a lighthouse",
            "negative": None,
            "translations": {"ru": "маяк"},
        }
        status, now = await call(server, "POST", prompt="an <i>owl</i>", negative="cats")
        assert (status, now["prompts"][3]["prompt"]) == (201, "an <i>owl</i>")
        assert (await call(server, "POST", prompt="an <i>owl</i>", negative="cats"))[0] == 400
        old = now["version"]
        status, now = await call(server, "PATCH", "/4", version=old, to=1)
        assert (status, now["prompts"][0]["negative"]) == (200, "cats")
        assert (await call(server, "PATCH", "/4", version=old, to=1))[0] == 409
        assert (await call(server, "PATCH", "/9", version=now["version"], to=1))[0] == 404
        for body in ({}, {"version": "x"}, {"version": "x", "to": 0}, {"version": "x", "prompt": 5}):
            assert (await call(server, "PATCH", "/1", **body))[0] == 400, body
        assert (await call(server, "DELETE", "/x"))[0] == 400
        async with server.http.get("/prompts") as answer:
            text = await answer.text()
        assert "an &lt;i&gt;owl&lt;/i&gt;" in text
        assert text.count("Delete this prompt?") == 4
        status, now = await call(server, "DELETE", f"/1?version={now['version']}")
        assert (status, len(now["prompts"])) == (200, 3)
        (tmp_path / "data/prompts.yaml").write_text("prompts: [", encoding="utf-8")
        async with server.http.get("/prompts") as answer:
            text = await answer.text()
        assert "prompts.yaml is broken" in text
        assert "Delete this prompt?" not in text, "nothing can be changed while it is"


async def test_ten_draws(tmp_path: Path) -> None:
    """A template that is tried becomes ten texts; a placeholder that nobody knows is named. Nothing is kept."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/prompts.yaml").write_text(FILE, encoding="utf-8")
    async with live(tmp_path, options=QUIET) as server:
        status, found = await call(server, "POST", "/try", prompt="a [[color]] owl", negative="[[color]] cats")
        assert (status, found["problems"], len(found["draws"])) == (200, [], 10)
        assert {one["prompt"] for one in found["draws"]} <= {"a red owl", "a blue owl"}
        assert {one["negative"] for one in found["draws"]} <= {"red cats", "blue cats"}
        _, found = await call(server, "POST", "/try", prompt="a [[colour]] owl")
        assert found["draws"] == []
        assert "colour" in found["problems"][0]
        assert (await call(server, "POST", "/try"))[0] == 400
    assert (tmp_path / "data/prompts.yaml").read_text(encoding="utf-8") == FILE
