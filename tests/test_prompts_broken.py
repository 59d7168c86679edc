"""What the library says about a file that is wrong, and that no file at all can bring it down."""

from __future__ import annotations

import io
import json
import random
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_files import COMMENTED, TEMPLATED, as_json, as_templated_json, opened
from ruamel.yaml import YAML

from imageserver.errors import PromptRefused
from imageserver.prompts import Prompt

WRONG_JSON = """\
{"prompts": [
  {"idx": 1, "promt": "a"},
  {"idx": 1, "prompt": ""},
  {"idx": 4,
   "prompt": 7},
  {"idx": 5, "prompt": "b", "negative": ["c"]},
  "d"
]}
"""
WRONG_YAML = """\
prompts:
# a comment
- idx: 1
  promt: a
- idx: 1
  prompt: ""

- prompt: 7
  idx: true
- idx: 5
  prompt: b
  negative: [c]
- d
"""


def said(folder: Path) -> list[tuple[int, str]]:
    """Line and message of every problem of the library in `folder`."""
    return [(int(p.where.rpartition(":")[2]), p.message) for p in opened(folder).problems]


def test_all_problems_of_a_json_file_are_named_with_their_lines(tmp_path: Path) -> None:
    """One look at the log is enough to correct the whole file."""
    (tmp_path / "prompts.json").write_text(WRONG_JSON)
    assert said(tmp_path) == [
        (2, 'unknown key "promt" where prompt is missing: did you mean "prompt"?'),
        (3, "prompt is empty"),
        (3, "idx 1 is used twice: first on line 2"),
        (5, "prompt must be text, not 7: put it in quotes"),
        (6, "negative must be text, not a list or mapping: put it in quotes"),
        (7, 'expected an entry with "idx" and "prompt"'),
    ]


def test_all_problems_of_a_yaml_file_are_named_with_their_lines(tmp_path: Path) -> None:
    """The same rules hold for YAML, where a number or `true` is no text and no number."""
    (tmp_path / "prompts.yaml").write_text(WRONG_YAML)
    assert said(tmp_path) == [
        (4, 'unknown key "promt" where prompt is missing: did you mean "prompt"?'),
        (5, "idx 1 is used twice: first on line 3"),
        (6, "prompt is empty"),
        (8, "prompt must be text, not 7: put it in quotes"),
        (9, "idx must be a whole number from 1, not True"),
        (12, "negative must be text, not a list or mapping: put it in quotes"),
        (13, 'expected an entry with "idx" and "prompt"'),
    ]


@pytest.mark.parametrize(
    ("ending", "text", "line", "word"),
    [
        ("json", '{"prompts": [{"idx": 1, "prompt": "a"},\n{"idx": 3, "prompt": "b"}]}', 2, "without gaps"),
        ("json", '{"prompts": [{"idx": 2, "prompt": "a"}]}', 1, "idx 2 follows 0"),
        ("json", '{"prompts": [{"idx": 1, "idx": 2, "prompt": "a"}]}', 1, "twice"),
        ("json", '{"prompts": [],\n"prompts": []}', 2, "twice"),
        ("json", '{"prompts": [{"idx": 1,\n"prompt": "\\ud800"}]}', 2, "no text"),
        ("json", '{"prompts": 1}', 1, "list"),
        ("json", "[]", 1, "prompts"),
        ("json", "", 1, "not valid JSON"),
        ("json", '{\n"prompts": [,]}', 2, "not valid JSON"),
        ("json", "[" * 100_000, 1, "nested"),
        ("json", '{"prompts": [{"idx": ' + "9" * 5000 + "}]}", 1, "digits"),
        ("yaml", "prompts:\n- idx: 1\n  prompt: a\n- idx: 3\n  prompt: b\n", 4, "without gaps"),
        ("yaml", "prompts:\n- idx: 1\n  prompt: yes\n- idx: 2\n  prompt: 2020-01-01\n", 5, "quotes"),
        ("yaml", "prompts:\n- idx: 1\n  idx: 2\n  prompt: a\n", 3, "duplicate key"),
        ("yaml", "prompts:\n- idx: 1\n\tprompt: a\n", 3, "not valid YAML"),
        ("yaml", "prompts:\n- idx: 1\n  prompt: *none\n", 3, "undefined alias"),
        ("yaml", "prompts:\n- idx: 1\n  prompt: \x07\n", 3, "character"),
        ("yaml", "prompts:\n- idx: 1\n  prompt: " + "x" * 10_001, 3, "longer"),
        ("yaml", "# nothing\n", 1, "prompts:"),
        ("yaml", "", 1, "prompts:"),
        ("yaml", "- a\n", 1, "prompts:"),
        ("yaml", "prompts: &a [*a]\n", 1, "entry"),
        ("yaml", "prompts: " + "[" * 1500, 1, "not valid YAML"),
        ("yaml", "prompts: []\n---\nprompts: []\n", 2, "not valid YAML"),
    ],
)
def test_each_kind_of_mistake_is_named(ending: str, text: str, line: int, word: str, tmp_path: Path) -> None:
    """A broken file has a problem with the right line and a word that leads to the remedy."""
    (tmp_path / f"prompts.{ending}").write_text(text)
    assert [(line, True)] == [(found, word in message) for found, message in said(tmp_path)], said(tmp_path)


def test_what_is_no_text_file_is_a_problem(tmp_path: Path) -> None:
    """Other encodings, folders and links to nothing are said, not raised."""
    (tmp_path / "prompts.json").write_bytes('{"prompts":\n "котик"}'.encode("cp1251"))
    assert said(tmp_path) == [(2, "is not in UTF-8")]
    (tmp_path / "prompts.yaml").mkdir()
    assert said(tmp_path) == [(1, "cannot be read: is no file")]
    (tmp_path / "prompts.yaml").rmdir()
    (tmp_path / "prompts.yaml").symlink_to(tmp_path / "nothing")
    assert said(tmp_path) == [(1, "cannot be read: leads to nothing")]


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        ("json", as_json("a", "b\\n", "«в»")),
        ("yaml", COMMENTED),
        ("json", as_templated_json()),
        ("yaml", TEMPLATED),
    ],
    ids=["json", "yaml", "templates in json", "templates in yaml"],
)
def test_no_mutation_of_a_file_raises(ending: str, text: str, tmp_path: Path) -> None:
    """250 damaged files each way: opening and drawing work, and a refused addition leaves the file as it was."""
    chance = random.Random(ending)
    good = text.encode()
    path = tmp_path / f"prompts.{ending}"
    refused = 0
    for _ in range(250):
        data = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[place] = chance.randrange(256)
                case 1:
                    del data[place : place + chance.randint(1, 12)]
                case 2:
                    data[place:place] = chance.choice(
                        [b"\n", b"- ", b"{", b"]", b"[[", b'"', b": ", b"\t", b"*a", b"!!x ", b"\0"]
                    )
                case _:
                    data[place:place] = data[chance.randrange(len(data)) :][:20]
        path.write_bytes(data)
        library = opened(tmp_path, 3)
        assert library.draw(chance).text
        try:
            library.add("новая")
        except PromptRefused:
            assert library.problems
            assert path.read_bytes() == bytes(data)
            refused += 1
        else:
            assert opened(tmp_path).all()[-1].text == "новая"
    assert 0 < refused < 250, "the damage must be neither always fatal nor never"


# Everything that a prompt may hold: any text but halves of surrogate pairs and zeros.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
ENTRIES = st.lists(st.tuples(ANY_TEXT.filter(str.strip), ANY_TEXT), min_size=1, max_size=5)


@settings(max_examples=60)
@given(entries=ENTRIES, amount=st.integers(1, 4), ending=st.sampled_from(["json", "yaml"]))
def test_a_library_round_trips(entries: list[tuple[str, str]], amount: int, ending: str) -> None:
    """Whatever the texts, the last `amount` of them are there after a restart, in order and character by character."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty = json.dumps({"prompts": []}) if ending == "json" else "# ours\nprompts:\n"
        library = opened(folder, amount, **{ending: empty})
        expected: list[tuple[str, str | None]] = []
        for text, negative in entries:
            wanted = (text.strip(), negative.strip() or None)
            if wanted not in expected[-amount:]:
                library.add(text, negative)
                expected.append(wanted)
        expected = expected[-amount:]
        again = opened(folder)
        assert again.problems == []
        assert again.all() == tuple(
            Prompt(text=text, negative=negative, idx=idx) for idx, (text, negative) in enumerate(expected, 1)
        )


NAMES = ["a", "B-1", "цвет"]
PLAIN = ANY_TEXT.filter(lambda text: "[[" not in text)
WEIGHTS = st.integers(1, 9) | st.floats(0.25, 8)
VALUES = PLAIN | st.integers(0, 99) | st.fixed_dictionaries({"value": PLAIN}, optional={"weight": WEIGHTS, "en": PLAIN})
Lists = dict[str, list[Any]]
LISTS = st.dictionaries(st.sampled_from(NAMES), st.lists(VALUES, min_size=1, max_size=3))


@settings(max_examples=60)
@given(
    common=LISTS,
    own=st.lists(LISTS, min_size=1, max_size=4),
    amount=st.integers(1, 5),
    ending=st.sampled_from(["json", "yaml"]),
)
def test_lists_round_trip(common: Lists, own: list[Lists], amount: int, ending: str) -> None:
    """Whatever is in the lists, those of the prompts that stay and those for all are there after additions."""
    document = {
        "prompts": [
            {"idx": idx, "prompt": " ".join([f"p{idx}", *(f"[[{name}]]" for name in lists)]), "placeholders": lists}
            for idx, lists in enumerate(own, 1)
        ],
        "global_placeholders": common,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = json.dumps(document, ensure_ascii=False) if ending == "json" else commented_yaml(document)
        library = opened(folder, amount, **{ending: text})
        assert library.problems == []
        before = library.all()
        assert [set(prompt.placeholders) for prompt in before] == [set(lists) for lists in own]
        template = " ".join(["new", *(f"[[{name}]]" for name in common)])
        library.add(template)
        library.add("second")
        again = opened(folder, amount)
        assert again.problems == []
        after = again.all()
        assert len(after) == min(len(own) + 2, amount)
        kept = after[:-2]
        assert [evolve(prompt, idx=0) for prompt in before[len(before) - len(kept) :]] == [
            evolve(prompt, idx=0) for prompt in kept
        ]
        assert [prompt.text for prompt in after[-2:]] == [template, "second"][-amount:]
        assert again.missing("[[a]][[B-1]][[цвет]].") == library.missing("[[a]][[B-1]][[цвет]].")
        for seed in range(5):
            assert again.draw(random.Random(seed)) == library.draw(random.Random(seed))
        written = (folder / f"prompts.{ending}").read_text(encoding="utf-8")
        if ending == "json":
            assert json.loads(written)["global_placeholders"] == common
        else:
            begin = text.index("# for all")
            assert text[begin:] in written.replace("\r\n", "\n"), "what stands below the prompts is untouched"
            assert written.startswith("# ours")


def commented_yaml(document: Mapping[str, object]) -> str:
    """The document as YAML, with comments at the top and above the lists for all."""
    stream = io.StringIO()
    door = YAML(typ="safe", pure=True)
    door.default_flow_style = False
    door.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel declares no type for it
    door.dump(document, stream)
    return "# ours\n" + stream.getvalue().replace("\nglobal_placeholders:", "\n# for all\nglobal_placeholders:")
