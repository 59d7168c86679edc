"""Changes of the options file: exactly one key changes, and every comment, quote and unknown line stays."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imageserver.config.changes import Wanted, changed
from imageserver.config.edits import Change, with_change
from imageserver.config.file import OptionsText
from imageserver.config.reader import parse
from imageserver.config.values import Node, Pairs
from imageserver.errors import BadRequest, OptionsRefused

OWNERS = """\
# my frames, 2024
port:   8099   # the router knows this one
image_weight: 320

fit_mode: "smart"     # was pad
sleep_time:           # nights
  # weekdays
  - time_range: {start_time: "23:00", end_time: "06:59"}   # late
    black_image_mode: true
  # weekends follow
quality: 90
providers:
    folder:           # the NAS
        local_image_folder: '/mnt/фото'
    yandexart:
frames: {kitchen: {address: 192.168.1.20}, hall: {address: [10.0.0.9, "fd00::21"]}}
# disabled_providers: [atelier]
"""


def value(text: str) -> Node:
    node, problems = parse(f"it: {text}\n".encode(), "options.yml")
    assert isinstance(node, Pairs)
    assert not problems
    return node.pairs[0][1]


def change(text: str, path: str, new: str | None) -> str:
    """The text with the value at a path written as `new`; None takes the key out."""
    made = Change(path=tuple(path.split(".")), value=None if new is None else value(new))
    return with_change(text, "options.yml", made)


def lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that went and those that came."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


@pytest.mark.parametrize(
    ("path", "new", "gone", "come"),
    [
        ("quality", "70", ["quality: 90"], ["quality: 70"]),
        ("port", "80", ["port:   8099   # the router knows this one"], ["port:   80   # the router knows this one"]),
        ("fit_mode", "pad", ['fit_mode: "smart"     # was pad'], ["fit_mode: pad     # was pad"]),
        ("refresh", "60", [], ["refresh: 60"]),
        ("quality", None, ["quality: 90"], []),
        ("providers.folder.weight", "2.5", [], ["        weight: 2.5"]),
        ("providers.yandexart.price", "0.50", [], ["      price: 0.50"]),
        ("providers.openai.max_per_day", "none", [], ["    openai:", "      max_per_day: none"]),
        ("extensions.overlay.text", '"a # b"', [], ["extensions:", "  overlay:", '    text: "a # b"']),
    ],
)
def test_one_key_changes(path: str, new: str | None, gone: list[str], come: list[str]) -> None:
    """Of the owner's text nothing else is touched, not even its spaces."""
    assert lines(OWNERS, change(OWNERS, path, new)) == (gone, come)


def test_lists_and_mappings_in_brackets() -> None:
    """What stands in brackets stays there."""
    after = change(OWNERS, "frames.kitchen.rotate", "90")
    assert "frames: {kitchen: {address: 192.168.1.20, rotate: 90}, hall:" in after
    assert "frames: {hall: {address" in change(OWNERS, "frames.kitchen", None)
    assert 'fd00::21"]}, den: {port: 8101}}\n' in change(OWNERS, "frames.den", "{port: 8101}")
    assert "{kitchen: {address: [10.0.0.1, 10.0.0.2]}, " in change(
        OWNERS, "frames.kitchen.address", "[10.0.0.1, 10.0.0.2]"
    )


def test_comments_inside_a_list_that_is_replaced_stay() -> None:
    """A list on lines of its own becomes one on its key's line; what the owner said in it is still there."""
    after = change(OWNERS, "sleep_time", '[{time_range: {start_time: "22:00", end_time: "07:00"}}]')
    assert 'sleep_time: [{time_range: {start_time: "22:00", end_time: "07:00"}}]           # nights\n' in after
    for comment in ("# weekdays", "# late", "# weekends follow"):
        assert after.count(comment) == 1
    assert after.endswith("# disabled_providers: [atelier]\n")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "# no line end", "---\n# dashes\n", "{}\n", "quality: 90"])
def test_a_first_key(text: str) -> None:
    """An empty file, one of comments only, and one whose last line has no end take a key too."""
    after = change(text, "frames.kitchen.address", "192.168.1.20")
    assert all(line in after.splitlines() for line in text.splitlines() if line.startswith("#"))
    assert not parse(after.encode(), "options.yml")[1]
    again = change(after, "frames.kitchen.address", None)
    assert change(again, "frames.kitchen.address", "192.168.1.20").count("192.168.1.20") == 1


def test_windows_line_ends_and_a_mark_stay() -> None:
    """A file from Windows stays one."""
    raw = b"\xef\xbb\xbf" + OWNERS.replace("\n", "\r\n").encode()
    wanted = Wanted(options={"refresh": 60, "quality": 70}, new_frames={"den": {"port": 8101}})
    after = changed(OptionsText(name="options.yml", raw=raw), wanted, str)
    assert after.startswith(b"\xef\xbb\xbf# my frames")
    assert not re.search(rb"[^\r]\n", after)
    assert b"refresh: 60\r\n" in after


@pytest.mark.parametrize(
    ("text", "path", "gone"),
    [
        ("a: &it 1\nb: *it\nquality: 5 # keep\n", "quality", "5"),
        ("frames: {kitchen: {rotate: 90,},}\n# keep\n", "frames.hall.rotate", None),
    ],
)
def test_odd_shapes(text: str, path: str, gone: str | None) -> None:
    """Aliases and commas at ends are no obstacle, and comments survive them."""
    after = change(text, path, "7")
    assert "keep" in after
    assert ": 7" in after
    assert gone is None or f": {gone}" not in after


def test_a_shape_that_cannot_be_changed_is_refused() -> None:
    """Nothing is guessed: a key that would change another one by an alias is left to the owner."""
    text = "frames:\n  a: &x {rotate: 90}\n  b: *x\n"
    with pytest.raises(OptionsRefused, match=r"frames\.b\.rotate cannot be changed here: do it by hand") as refused:
        change(text, "frames.b.rotate", "180")
    assert refused.value.refusal == "shape"


def test_a_frame_is_called_something_else() -> None:
    """Its place, its keys and the comment beside it stay."""
    text = "frames:\n  kitchen: # by the stove\n    rotate: 90\n  hall:\n"
    made = Change(path=("frames", "kitchen"), name="кухня")
    assert with_change(text, "options.yml", made) == text.replace("kitchen", '"кухня"')


def test_an_option_is_changed_where_it_stands() -> None:
    """Under its old name, in the Go server's section, and beside the amount that would outvote it."""
    text = "image_weight: 320\niframe_image_parameters:\n  fit_threshold: 0.1\noriginal_image_amount_max: 5000\n"
    wanted = Wanted(options={"image_width": 240, "fit_threshold": 0.2, "image_amount_max": 3000})
    after = changed(OptionsText(name="options.yml", raw=text.encode()), wanted, str).decode()
    assert after == text.replace("320", "240").replace("0.1", "0.2").replace("5000", "3000")


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Names that are not there, options that are changed by hand only, numbers that are none."""
    wanted = Wanted(
        options={"qualty": 3, "host": "x", "refresh": float("nan")},
        providers={"openai": {"pice": 3}},
        frames={"nobody": {}},
        new_frames={"kitchen": {}},
        version=None,
    )
    text = OptionsText(name="options.yml", raw=OWNERS.encode())
    with pytest.raises(BadRequest) as refused:
        changed(text, wanted, str)
    said = str(refused.value)
    for part in (
        'options.qualty: no such option; did you mean "quality"?',
        "options.host: can be changed by hand only",
        "refresh: expected a number",
        'providers.openai.pice: no such key; did you mean "price"?',
        "frames.nobody: there is no frame of this name",
        "frames.kitchen: there is a frame of this name already",
    ):
        assert part in said
    with pytest.raises(OptionsRefused, match="changed meanwhile"):
        changed(text, Wanted(version="another"), str)


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)


@settings(max_examples=30)
@given(text=NAMES, number=st.floats(0, 1e6), names=st.lists(NAMES, max_size=3))
def test_whatever_is_written_is_read_again(text: str, number: float, names: list[str]) -> None:
    """Any text, number or list comes out of the file as it went in, and the rest of the file is as it was."""
    wanted = Wanted(
        providers={"folder": {"prompt_suffix": text, "weight": number}}, new_frames={"den": {"prompts": names}}
    )
    # in brackets and in lines
    for before in (OWNERS, OWNERS.replace("frames: {", "more: {")):
        after = changed(OptionsText(name="options.yml", raw=before.encode()), wanted, str)
        node, problems = parse(after, "options.yml")
        assert not problems
        assert isinstance(node, Pairs)
        section = {key.text: one for key, one in node.pairs}["providers"]
        assert isinstance(section, Pairs)
        assert isinstance(section.pairs[0][1], Pairs)
        said = {key.text: getattr(one, "text", None) for key, one in section.pairs[0][1].pairs}
        assert said["prompt_suffix"] == text
        assert float(str(said["weight"])) == number
        assert "# the NAS" in after.decode()
