"""The prompt library on real files: what is drawn, what is added, what the owner may do to the file meanwhile."""

from __future__ import annotations

import json
import logging
import os
import random
import stat
from pathlib import Path

import pytest
from prompt_files import COMMENTED, as_json, oldest_first, opened, texts

from imageserver.errors import PromptRefused
from imageserver.prompts import Prompt, PromptLibrary


def refusal(library: PromptLibrary, text: str, negative: str | None = None) -> str:
    """Why the library does not take this prompt."""
    with pytest.raises(PromptRefused) as caught:
        library.add(text, negative)
    return caught.value.refusal


def test_without_any_file_the_library_is_written_with_the_prompt_test(tmp_path: Path) -> None:
    """An empty data folder gets prompts.json with the single prompt `test`."""
    library = opened(tmp_path)
    assert oldest_first("test") == library.all()
    assert json.loads((tmp_path / "prompts.json").read_text()) == {"prompts": [{"idx": 1, "prompt": "test"}]}


def test_yaml_wins_over_json(tmp_path: Path) -> None:
    """With both files there, the YAML is read and added to, and the JSON is not touched."""
    library = opened(tmp_path, yaml="prompts:\n  - {idx: 1, prompt: from yaml}\n", json=as_json("from json"))
    assert texts(library) == ["from yaml"]
    library.add("more")
    assert "more" in (tmp_path / "prompts.yaml").read_text()
    assert as_json("from json") == (tmp_path / "prompts.json").read_text()


def test_the_smallest_number_is_the_oldest_wherever_it_stands(tmp_path: Path) -> None:
    """Age comes from idx, not from the order in the file."""
    library = opened(tmp_path, yaml=COMMENTED)
    assert texts(library) == ["a mill", "a lake # no comment, but a part of the text", "a fox"]
    assert library.all()[1].negative == "rain"


def test_every_prompt_is_drawn(tmp_path: Path) -> None:
    """Drawing gives every prompt its turn, and the same random gives the same prompt."""
    library = opened(tmp_path, json=as_json("a", "b", "c"))
    drawn = [library.draw(random.Random(seed)).text for seed in range(60)]
    assert {"a", "b", "c"} == set(drawn)
    assert drawn == [library.draw(random.Random(seed)).text for seed in range(60)]


def test_an_emptied_library_draws_test_and_can_be_filled_again(tmp_path: Path) -> None:
    """An owner who removed every entry has no broken file: `test` is drawn until something is added."""
    library = opened(tmp_path, json='{"prompts": []}')
    assert library.draw(random.Random(1)).text == "test"
    assert library.problems == []
    assert Prompt(text="a", idx=1) == library.add("a")
    assert texts(library) == ["a"]


def test_what_was_added_is_there_after_a_restart(tmp_path: Path) -> None:
    """An added prompt gets the next number and survives, with its negative prompt and any characters."""
    awkward = 'он сказал: "да" \\ — # no comment\nсветло 🌒 \x85\u2028 {idx: 1} '
    for ending, text in (("json", as_json("a")), ("yaml", "prompts:\n- idx: 1\n  prompt: a\n")):
        folder = tmp_path / ending
        folder.mkdir()
        added = opened(folder, 10, **{ending: text}).add(awkward, " people ")
        assert Prompt(text=awkward.strip(), negative="people", idx=2) == added
        assert (*oldest_first("a"), added) == opened(folder).all()


def test_above_the_amount_the_oldest_go_and_the_rest_renumber(tmp_path: Path) -> None:
    """A library of three keeps the three newest, numbered from 1, however many there were before."""
    library = opened(tmp_path, 3, json=as_json("a", "b", "c", "d", "e"))
    assert texts(library) == ["a", "b", "c", "d", "e"], "a hand-written file is left as it is until an addition"
    library.add("f")
    assert oldest_first("d", "e", "f") == library.all() == opened(tmp_path).all()


def test_a_library_of_one_holds_the_last_prompt(tmp_path: Path) -> None:
    """The smallest amount works in both formats."""
    (tmp_path / "y").mkdir()
    for folder, files in (
        (tmp_path, {"json": as_json("a")}),
        (tmp_path / "y", {"yaml": "prompts:\n- {idx: 1, prompt: a}"}),
    ):
        library = opened(folder, 1, **files)
        library.add("b")
        library.add("c")
        assert oldest_first("c") == opened(folder).all()


def test_empty_duplicate_and_unfit_prompts_are_refused(tmp_path: Path) -> None:
    """What is refused changes neither the library nor the file."""
    library = opened(tmp_path, json=as_json("a"))
    before = (tmp_path / "prompts.json").read_bytes()
    assert refusal(library, " \n\t ") == "empty"
    assert refusal(library, " a ") == "duplicate"
    assert refusal(library, "x" * 10_001) == "unfit"
    assert refusal(library, "half \ud83d") == "unfit"
    assert refusal(library, "b", "zero \0") == "unfit"
    assert before == (tmp_path / "prompts.json").read_bytes()
    assert library.add("a", "but no dogs").idx == 2, "another negative prompt makes another prompt"


def test_a_hand_edit_is_seen_without_a_restart(tmp_path: Path) -> None:
    """The next draw or addition works with what the owner has saved, also when he begins a YAML beside the JSON."""
    library = opened(tmp_path, json=as_json("a"))
    written = (tmp_path / "prompts.json").stat().st_mtime
    (tmp_path / "prompts.json").write_text(as_json("b"))
    os.utime(tmp_path / "prompts.json", (written + 1, written + 1))  # of one length: only the time tells them apart
    assert library.draw(random.Random(1)).text == "b"
    (tmp_path / "prompts.json").write_text(as_json("c", "d"))
    assert library.add("e").idx == 3
    assert texts(library) == ["c", "d", "e"]
    (tmp_path / "prompts.yaml").write_text("prompts:\n- {idx: 1, prompt: y}\n")
    assert texts(library) == ["y"]


def test_a_broken_edit_keeps_the_last_good_library(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log names file and line once for an edit, additions are refused, and the owner's text is not touched."""
    library = opened(tmp_path, json=as_json("a", "b"))
    broken = '{"prompts": [\n  {"idx": 1, "prompt": "a"},\n  {"idx": 2 "prompt": "b"}\n]}'
    (tmp_path / "prompts.json").write_text(broken)
    with caplog.at_level(logging.ERROR):
        for seed in range(5):
            assert library.draw(random.Random(seed)).text in {"a", "b"}
    assert [line.split(": ")[0] for line in caplog.messages if "prompts.json" in line] == ["prompts.json:3"]
    assert refusal(library, "c") == "broken_library"
    assert broken == (tmp_path / "prompts.json").read_text()
    assert [problem.where for problem in library.problems] == ["prompts.json:3"]

    (tmp_path / "prompts.json").write_text(as_json("a", "b", "corrected"))
    assert library.add("c").idx == 4
    assert library.problems == []


def test_a_file_that_is_gone_for_a_moment_is_not_written_anew(tmp_path: Path) -> None:
    """An editor that takes the old file away first finds its place empty when it comes back."""
    library = opened(tmp_path, json=as_json("a"))
    (tmp_path / "prompts.json").unlink()
    assert library.draw(random.Random(1)).text == "a"
    assert refusal(library, "b") == "broken_library"
    assert not (tmp_path / "prompts.json").exists()


def test_broken_at_the_start_gives_the_last_good_copy(tmp_path: Path) -> None:
    """After a restart with a broken file the copy is used; the file is left alone."""
    opened(tmp_path, json=as_json("a")).add("b")
    library = opened(tmp_path, json='{"prompts": [')
    assert texts(library) == ["a", "b"]
    assert (tmp_path / "prompts.json").read_text() == '{"prompts": ['
    library = opened(tmp_path, yaml="prompts:\n- {idx: 1, prompt: y}\n")
    assert texts(library) == ["y"]
    assert texts(opened(tmp_path, yaml="prompts: [")) == ["y"], "the copy of the file that was good last"


def test_broken_at_the_first_start_gives_test(tmp_path: Path) -> None:
    """Without a good copy there is still something to paint."""
    library = opened(tmp_path, yaml="prompts: 7\n")
    assert texts(library) == ["test"]
    assert refusal(library, "a") == "broken_library"
    assert (tmp_path / "prompts.yaml").read_text() == "prompts: 7\n"


def test_mode_and_symbolic_link_survive_an_addition(tmp_path: Path) -> None:
    """A private file stays private, and a link still leads to the one file."""
    home = tmp_path / "home"
    home.mkdir()
    data = tmp_path / "data"
    data.mkdir()
    (home / "mine.json").write_text(as_json("a"))
    (home / "mine.json").chmod(0o640)
    (data / "prompts.json").symlink_to(home / "mine.json")
    opened(data).add("b")
    assert (data / "prompts.json").is_symlink()
    assert stat.S_IMODE((home / "mine.json").stat().st_mode) == 0o640
    assert len(json.loads((home / "mine.json").read_text())["prompts"]) == 2
    assert [name.name for name in home.iterdir()] == ["mine.json"], "nothing is left beside it"


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a file away")
def test_the_owner_of_the_file_survives_an_addition(tmp_path: Path) -> None:
    """A server that runs as root does not take the file from the person who edits it."""
    library = opened(tmp_path, json=as_json("a"))
    os.chown(tmp_path / "prompts.json", 1234, 4321)
    library.add("b")
    found = (tmp_path / "prompts.json").stat()
    assert (found.st_uid, found.st_gid) == (1234, 4321)


def test_unknown_keys_survive_in_json(tmp_path: Path) -> None:
    """Keys that this version does not know stay with their entries and at the top."""
    old = {
        "title": "ours",
        "prompts": [
            {"idx": 2, "prompt": "b", "placeholders": {"mood": ["calm", "wild"]}},
            {"idx": 1, "prompt": "a", "by": "Anna"},
        ],
        "global_placeholders": {"season": ["winter"]},
    }
    opened(tmp_path, 2, json=json.dumps(old)).add("в")
    new = json.loads((tmp_path / "prompts.json").read_text(encoding="utf-8"))
    assert list(new) == ["title", "prompts", "global_placeholders"]
    assert new["prompts"] == [
        {"idx": 1, "prompt": "b", "placeholders": {"mood": ["calm", "wild"]}},
        {"idx": 2, "prompt": "в"},
    ]
    assert old["global_placeholders"] == new["global_placeholders"]


def test_a_disk_that_cannot_be_written_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing disk refuses the prompt, and the file is as it was, with nothing beside it."""
    library = opened(tmp_path, json=as_json("a"))
    before = sorted(path.name for path in tmp_path.iterdir())

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert refusal(library, "b") == "broken_library"
    assert before == sorted(path.name for path in tmp_path.iterdir())
    assert as_json("a") == (tmp_path / "prompts.json").read_text()


@pytest.mark.parametrize("name", ["prompts.json", "prompts.yaml"])
def test_the_examples_are_good(name: str, tmp_path: Path) -> None:
    """The files in conf/ can be copied as they are and take an addition without losing a line."""
    example = (Path(__file__).parent.parent / "conf" / name).read_text(encoding="utf-8")
    library = opened(tmp_path, 100, **{name.rpartition(".")[2]: example})
    assert library.problems == []
    assert len(library.all()) >= 2
    library.add("one more")
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(example.rstrip("}] \n"))
