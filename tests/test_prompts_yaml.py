"""The owner's text around the prompts: comments, order, unknown keys, line ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from prompt_files import COMMENTED, TEMPLATED, opened, texts


def after_adding(folder: Path, text: str, *prompts: str, amount: int = 10) -> str:
    """The prompts.yaml that began as `text`, once these prompts were added."""
    (folder / "prompts.yaml").write_bytes(text.encode())
    library = opened(folder, amount)
    for prompt in prompts:
        library.add(prompt)
    return (folder / "prompts.yaml").read_bytes().decode()


def test_an_addition_adds_lines_and_changes_none(tmp_path: Path) -> None:
    """Below the amount, every line of the owner is there as before, and the new entry follows the last one."""
    new = after_adding(tmp_path, COMMENTED, "a bear")
    expected = COMMENTED.replace("# the mill\n", '# the mill\n  - idx: 4\n    prompt: "a bear"\n')
    assert expected == new


def test_a_drop_takes_its_entry_and_nothing_else(tmp_path: Path) -> None:
    """The oldest entry goes, the numbers of the others change in place, and every comment line stays."""
    new = after_adding(tmp_path, COMMENTED, "a bear", amount=3)
    expected = (
        COMMENTED.replace("  - {idx: 1, prompt: a mill}   # the mill\n", '\n  - idx: 3\n    prompt: "a bear"\n')
        .replace('- idx: 3\n    prompt: "a fox"', '- idx: 2\n    prompt: "a fox"')
        .replace("- idx: 2\n    negative", "- idx: 1\n    negative")
    )
    assert expected == new


def test_comments_of_the_kept_stay_with_them_until_the_last_old_entry_goes(tmp_path: Path) -> None:
    """Through as many additions as there are entries, the comment lines and the unknown top keys survive."""
    new = after_adding(tmp_path, COMMENTED, "w", "x", amount=3)
    assert new.index("# the youngest stands first") < new.index('prompt: "a fox"   # Anna\'s') < new.index("mood: calm")
    new = after_adding(tmp_path, COMMENTED, "w", "x", "y", "z", amount=3)
    assert "a fox" not in new
    for line in COMMENTED.splitlines():
        if line.lstrip().startswith("#") and "no comment" not in line:
            assert line in new.splitlines()
    assert "version: 3   # ours\n" in new
    assert "global_placeholders: {season: [winter, summer]}\n" in new
    assert texts(opened(tmp_path)) == ["x", "y", "z"]


def test_lists_and_their_comments_are_not_touched(tmp_path: Path) -> None:
    """A file with placeholders keeps every character of the owner's, but for the entry that goes and the numbers."""
    entry = '  - idx: 3\n    prompt: "a [[color]] bear"\n'
    assert after_adding(tmp_path, TEMPLATED, "a [[color]] bear") == TEMPLATED.replace("# wins\n", f"# wins\n{entry}")
    begin, end = TEMPLATED.index("  - idx: 1"), TEMPLATED.index("  # about two")
    # of the entry that goes, the comment lines that stand between its keys go with it
    kept = TEMPLATED[:begin] + "\n" + TEMPLATED[end:]
    expected = kept.replace("idx: 2   # second", "idx: 1   # second").replace(
        "# wins\n", f"# wins\n{entry.replace('idx: 3', 'idx: 2')}"
    )
    assert after_adding(tmp_path, TEMPLATED, "a [[color]] bear", amount=2) == expected


def test_line_ends_of_windows_survive(tmp_path: Path) -> None:
    """A file written on Windows keeps its line ends, also in the new entry."""
    new = after_adding(tmp_path, COMMENTED.replace("\n", "\r\n"), "a bear", amount=3)
    assert new.count("\n") == new.count("\r\n")


SHAPES = {
    "all entries commented out": "# head\nprompts:\n#  - {idx: 1, prompt: old}\n# tail\n",
    "an empty list": "prompts: []   # none yet\n",
    "a list in brackets": "# head\nprompts: [{idx: 1, prompt: a}, {idx: 2, prompt: b}]\n",
    "JSON in a YAML file": '{"prompts": [{"idx": 1, "prompt": "a"}]}',
    "no line end": "prompts:\n- idx: 1\n  prompt: a",
    "a dash below a dash": "prompts:\n-\n  idx: 1\n  prompt: a\n",
    "lists within an entry": "prompts:\n- idx: 1\n  prompt: a\n  tags:\n  - b\n  - c\n",
    "lists of their own": "prompts:\n- idx: 1\n  prompt: '[[c]]'\n  placeholders:\n    c:\n    - red\n",
    "a list that others refer to": "prompts:\n- idx: 1\n  prompt: '[[c]]'\n  placeholders: &p {c: [red, 2]}\n"
    "- {idx: 2, prompt: 'a [[c]]', placeholders: *p}\n",
    "lists for all above and below": "global_placeholders:\n  c: &c\n  - red\nprompts:\n- idx: 1\n  prompt: '[[d]]'\n"
    "  placeholders:\n    d: *c\nmore:\n- idx: 9\n",
    "an entry that others refer to": "prompts:\n- &it\n  idx: 1\n  prompt: a\n- {idx: 2, prompt: b, like: *it}\n",
    "a number that others refer to": "prompts:\n- idx: &n 1\n  prompt: a\n  n: *n\n",
    "merged keys": "base: &base {negative: rain}\nprompts:\n- idx: 1\n  prompt: a\n  <<: *base\n",
    "a hexadecimal number": "prompts:\n- idx: 0x1\n  prompt: a\n- idx: 2\n  prompt: b\n",
    "text that keeps its line ends": "prompts:\n- idx: 1\n  prompt: |+\n    a\n\n\nnext: 1\n",
    "a document with marks": "%YAML 1.2\n---\nprompts:\n- idx: 1\n  prompt: a\n...\n",
    "an explicit key": "? prompts\n: - idx: 1\n    prompt: a\n",
    "a byte order mark": "\ufeffprompts:\n- idx: 1\n  prompt: a\n",
    "text above that looks like an entry": "a: |\n  - idx: 9\nprompts:\n- {prompt: b, idx: 2}\n- {prompt: a, idx: 1}\n",
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("amount", [1, 2, 10])
def test_every_shape_of_yaml_can_be_added_to(shape: str, amount: int, tmp_path: Path) -> None:
    """However the owner writes his list, additions arrive and the last ones are kept in their order."""
    old = texts(opened(tmp_path, yaml=SHAPES[shape]))
    assert opened(tmp_path).problems == []
    after_adding(tmp_path, SHAPES[shape], "x", "y", "z", amount=amount)
    library = opened(tmp_path)
    assert [*old, "x", "y", "z"][-amount:] == texts(library)
    assert library.problems == []


def test_comments_survive_where_the_text_is_written_anew(tmp_path: Path) -> None:
    """Also a list in brackets, which cannot be changed in place, keeps the comments around it."""
    text = "# head\nprompts: [{idx: 1, prompt: a}]   # short\n# tail\nmore: 1\n"
    new = after_adding(tmp_path, text, "b")
    for comment in ("# head", "# short", "# tail"):
        assert comment in new


@pytest.mark.filterwarnings("ignore::ruamel.yaml.error.ReusedAnchorWarning")
def test_a_list_does_not_turn_into_another_one(tmp_path: Path) -> None:
    """Where the entry that goes has the anchor that a later one means, that one keeps its own values."""
    new = after_adding(
        tmp_path,
        "base: &p {c: [blue]}\nprompts:\n- idx: 1\n  prompt: a [[c]]\n  placeholders: &p {c: [red]}\n"
        "- idx: 2\n  prompt: b [[c]]\n  placeholders: *p\n",
        "x",
        amount=2,
    )
    assert "a [[c]]" not in new
    library = opened(tmp_path)
    assert [value.text for value in library.all()[0].placeholders["c"]] == ["red"]
