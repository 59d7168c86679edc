"""`imageserver prompts`: what an owner reads, and that looking at a file leaves everything as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from prompt_files import TEMPLATED, as_json

from imageserver.cli import main
from imageserver.prompt_command import prompts_command


def run(data: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `imageserver prompts …`."""
    program = type(main)(commands=[prompts_command])
    result = CliRunner().invoke(program, ["prompts", *arguments, "--data", str(data)])
    return result.exit_code, result.stdout, result.stderr


def written(folder: Path, text: str, ending: str = "yaml") -> Path:
    """The folder, with this text as its prompts file."""
    (folder / f"prompts.{ending}").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _no_language(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name in ("LC_ALL", "LC_MESSAGES", "LANG") or name.startswith("IMAGESERVER_"):
            monkeypatch.delenv(name)


def test_try_shows_draws_and_combinations(tmp_path: Path) -> None:
    """Each template with its number of combinations, and as many draws as were asked for."""
    text = """\
global_placeholders: {color: [red, gold], many: ["[[color]] a", "[[color]] b", "c"], spare: [x]}
prompts:
- {idx: 1, prompt: "a [[color]] [[many]]", negative: rain}
- {idx: 2, prompt: plain}
- {idx: 3, prompt: "the [[one]]", negative: "no [[color]]", placeholders: {one: [only], color: [1, 2, 3], unused: [x]}}
"""
    code, out, err = run(written(tmp_path, text), "try", "--count", "2", "--seed", "5")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:5] == [
        "prompts.yaml: 3 prompts, 2 with placeholders",
        "",
        "1  a [[color]] [[many]]",
        "   not: rain",
        "   10 combinations",
    ]
    assert all(line.startswith(("   - a red ", "   - a gold ")) for line in lines[5:7])
    assert lines[7:12] == ["", "3  the [[one]]", "   not: no [[color]]", "   3 combinations", "   - the only"]
    assert lines[12].startswith("     not: no ")
    assert lines[15:] == [
        "",
        "warning: prompt 3: its own list unused is not used",
        "warning: global_placeholders: the list spare is not used",
    ]
    assert run(tmp_path, "try", "--count", "2", "--seed", "5")[1] == out
    assert run(tmp_path, "try")[1].count("   - the only") == 10


def test_list_names_every_prompt_with_its_combinations(tmp_path: Path) -> None:
    """One row for a prompt, the oldest first, numbers under each other."""
    lists = '{"x": ["a", "b"], "y": ["[[x]][[x]]", "c"]}'
    prompts = '[{"idx": 2, "prompt": "[[y]] [[x]]"}, {"idx": 1, "prompt": "a fox"}]'
    code, out, _ = run(written(tmp_path, f'{{"prompts": {prompts}, "global_placeholders": {lists}}}', "json"), "list")
    assert code == 0
    assert out.splitlines() == [
        "IDX  COMBINATIONS  PROMPT",
        "  1             1  a fox",
        "  2            10  [[y]] [[x]]",
    ]


def test_numbers_stay_readable(tmp_path: Path) -> None:
    """Thousands stand apart, and what nobody reads to its end is a power of ten."""
    for places, said in ((3, "1 000"), (1000, "at least 10^999")):
        text = "global_placeholders: {n: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}\nprompts: [{idx: 1, prompt: %s}]"
        code, out, _ = run(written(tmp_path, text % ("'" + "[[n]]" * places + "'")), "try", "--count", "1")
        assert (code, True) == (0, f"   {said} combinations\n" in out)


def test_nothing_is_wider_than_a_terminal(tmp_path: Path) -> None:
    """Long prompts are broken between words and go on below their beginning."""
    long = "word " * 60
    text = f"prompts: [{{idx: 1, prompt: '{long} [[c]]', negative: '{long} [[c]]', placeholders: {{c: [{long}]}}}}]"
    written(tmp_path, text)
    for command in ("try", "list"):
        lines = run(tmp_path, command)[1].splitlines()
        assert max(map(len, lines)) < 80
        assert sum(line.split().count("word") for line in lines) >= 60


def test_problems_are_named_with_exit_code_2(tmp_path: Path) -> None:
    """A broken file shows all its problems and nothing else, in both commands."""
    written(tmp_path, "prompts:\n- idx: 1\n  prompt: '[[color]]'\n- idx: 2\n  prompt: '[[x y]]'\n")
    for command in ("try", "list"):
        code, out, err = run(tmp_path, command)
        assert (code, out) == (2, "")
        assert [line.split(": ")[0] for line in err.splitlines()[:2]] == ["prompts.yaml:3", "prompts.yaml:5"]
        assert "there is no list for [[color]]" in err


def test_a_folder_without_a_library_is_said(tmp_path: Path) -> None:
    """Exit code 2 where there is nothing to try."""
    code, _, err = run(tmp_path, "try")
    assert code == 2
    assert err.startswith(f"{tmp_path}: there is no prompts.yaml or prompts.json\n")


def test_nothing_is_written(tmp_path: Path) -> None:
    """Looking leaves the folder as it was, whatever is in it."""
    for text in (TEMPLATED, "prompts: ["):
        written(tmp_path, text)
        run(tmp_path, "try")
        run(tmp_path, "list")
        assert [path.name for path in tmp_path.iterdir()] == ["prompts.yaml"]
        assert (tmp_path / "prompts.yaml").read_text() == text


def test_the_four_speak_the_language_of_the_options(tmp_path: Path) -> None:
    """The option `language` counts, also while another option is wrong."""
    written(tmp_path, as_json("[[season]]"), "json")
    seasons = {"en": {"winter", "spring", "summer", "autumn"}, "ru": {"зима", "весна", "лето", "осень"}}
    for language, words in seasons.items():
        (tmp_path / "options.yml").write_text(f"language: {language}\nimage_amount_max: nonsense\n")
        code, out, _ = run(tmp_path, "try", "--count", "1")
        assert code == 0
        assert out.splitlines()[-1].removeprefix("   - ") in words
