"""What the library says about templates and lists that are wrong, and what it does not take."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from prompt_files import TEMPLATED, opened, texts

from imageserver.errors import PromptRefused
from imageserver.prompts.reading import Reading, read_text

WRONG_YAML = """\
global_placeholders:
  color: [red, "[[shade]]"]
  shade:
    - "dark [[color]]"
  sky:
    - "[[clouds]]"
  empty: []
  style:
    - true
    - 2020-01-01
    - .inf
    -
    - {value: a, wieght: 3}
    - {value: a, weight: 0}
    - {value: a, weight: many, EN: b}
    - {weight: 3}
    - [a]
  "no name!": [x]
  text: x
prompts:
- idx: 1
  prompt: a [[Color]], [[ color ]], [[colour]], [[сolor]], [[no name!]], [[empty]]
  negative: >
    [[own]]
- idx: 2
  prompt: "[[own]]"
  translations: {en: "[[won]]"}
  placeholders:
    own:
      - "[[sky]]"
    sky: ["[[own]]", "[[missing]]"]
"""
WRONG_JSON = """\
{"prompts": [
  {"idx": 1, "prompt": "[[a]]",
   "placeholders": {
     "a": [true,
       {"value": "x", "weight": "3"}],
     "b": 1}},
  {"idx": 2, "prompt": "[[b]]"}],
 "global_placeholders":
   ["a"]}
"""
CYCLE = "leads back to itself"


def said(text: str, name: str = "prompts.yaml") -> list[tuple[int, str]]:
    """Line and message of every problem of a file's text."""
    return [(int(problem.where.rpartition(":")[2]), problem.message) for problem in read_text(text, name).problems]


def test_all_problems_of_templates_are_named_with_their_lines() -> None:
    """One look at the log is enough to correct every list and every placeholder."""
    common = "global_placeholders: "
    style = f"{common}style: "
    no_text = "a value must be text or a number, not "
    missing = "there is no list for "
    assert said(WRONG_YAML) == [
        (2, f"{common}color → shade → color {CYCLE}"),
        (6, f"{common}sky: {missing}[[clouds]]: add one to placeholders or global_placeholders"),
        (7, f"{common}empty is empty: a list has at least one value"),
        (9, f"{style}{no_text}True: put it in quotes"),
        (10, f"{style}{no_text}datetime.date(2020, 1, 1): put it in quotes"),
        (11, f"{style}{no_text}inf: put it in quotes"),
        (12, f'{common}style has a value without text: write "" where nothing is meant'),
        (13, f"{style}unknown key 'wieght': did you mean \"weight\"?"),
        (14, f"{style}weight must be a number above 0, at most 1000000, not 0"),
        (15, f"{style}'EN' is neither value nor weight, and no language in small letters, such as en"),
        (15, f"{style}weight must be a number above 0, at most 1000000, not 'many'"),
        (16, f"{style}value is missing, such as in {{value: gold, weight: 3}}"),
        (17, f"{style}{no_text}a list or mapping: put it in quotes"),
        (18, f'{common}\'no name!\' is no name: letters, digits, "_" and "-" make one'),
        (19, f"{common}text must be a list of values, such as [red, gold]"),
        (22, f"prompt: {missing}[[Color]]: did you mean [[color]]?"),
        (22, "prompt: [[ color ]] has white space in its brackets: write [[color]]"),
        (22, f"prompt: {missing}[[colour]]: did you mean [[color]]?"),
        (22, f"prompt: {missing}[[сolor]]: did you mean [[color]]? (one of the two mixes Latin and Cyrillic letters)"),
        (
            22,
            "prompt: [[no name!]] is no placeholder: "
            'a name has letters, digits, "_" and "-" (plain brackets stand alone: [ ])',
        ),
        (23, f"negative: {missing}[[own]]: add one to placeholders or global_placeholders"),
        (27, f"translations: en: {missing}[[won]]: did you mean [[own]]?"),
        (30, f"placeholders: own → sky → own {CYCLE}"),
        (31, f"placeholders: sky: {missing}[[missing]]: add one to placeholders or global_placeholders"),
    ]


def test_all_problems_of_lists_in_json_are_named_with_their_lines() -> None:
    """The same rules hold for JSON."""
    assert said(WRONG_JSON, "prompts.json") == [
        (4, "placeholders: a: a value must be text or a number, not True: put it in quotes"),
        (5, "placeholders: a: weight must be a number above 0, at most 1000000, not '3'"),
        (6, "placeholders: b must be a list of values, such as [red, gold]"),
        (7, "prompt: there is no list for [[b]]: add one to placeholders or global_placeholders"),
        (9, "global_placeholders must be names with lists, such as color: [red, gold]"),
    ]


def one(lists: str, prompt: str = "a fox", own: str = "{}") -> str:
    """A file with these lists and one prompt, on line 2."""
    return f"global_placeholders: {lists}\nprompts: [{{idx: 1, prompt: {json.dumps(prompt)}, placeholders: {own}}}]\n"


def chain(length: int) -> str:
    """So many lists, each of which uses the next one."""
    lists = {f"n{number}": [f"[[n{number + 1}]]"] for number in range(1, length)}
    return json.dumps({**lists, f"n{length}": ["end"]})


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (one('{a: ["[[a]]"]}'), 1, "a → a leads back"),
        (one('{a: ["[[b]]"], b: [x]}', "[[a]]", '{b: ["[[a]]"]}'), 2, "placeholders: b → a → b leads back"),
        (one('{a: [{value: x, en: "[[a]]"}]}'), 1, "a → a leads back"),
        (one(chain(9)), 1, "n1 → n2 → n3 → n4 → n5 → n6 → n7 → n8 → n9 is more than 8 lists deep"),
        (one(chain(8), "[[own]]", '{own: ["[[n1]]"]}'), 2, "own → n1 → n2 → n3 → n4 → n5 → n6 → n7 → n8 is more"),
        (one('{a: ["%s"]}' % ("x" * 100), "[[a]]" * 101), 2, "prompt may become 10100 characters"),
        (one('{a: [{value: b, en: "%s"}]}' % ("x" * 6000), "[[a]]" * 2), 0, ""),
        (one('{a: ["%s"], b: [""]}' % ("[[b]]" * 6), "x" + "[[a]]" * 1900), 2, "prompt may become 11401 characters"),
        (one('{a: [""]}', "[[a]] "), 2, "prompt may come out empty"),
        (one('{a: ["[[b]]", x], b: [" ", y]}', "[[a]] [[b]]"), 2, "prompt may come out empty"),
        (one("{a: [x, \"zero \\0\"]}"), 1, "a value holds a character that is no text"),
        (one('{a: ["%s"]}' % ("x" * 10_001)), 1, "a value is longer than 10000"),
        (one("{a: 0x" + "f" * 6000 + "}"), 1, "a must be a list"),
        (one("{a: [0x" + "f" * 6000 + "]}"), 1, "a: a value must be text or a number, not this"),
        (one("{a: &a [*a]}"), 1, "a has a value without text"),
        (one("&a {a: *a}"), 1, "a must be a list of values"),
        (one("{null: [x]}"), 1, "None is no name"),
        (one("{}", "[[%s]]" % ("x" * 5000)), 2, "there is no list for [[" + "x" * 60 + "…]]"),
        (one("{}", "[[]]"), 2, "[[]] is no placeholder"),
        (one("{}", "[[\n]]"), 2, "is no placeholder"),
    ],
)  # fmt: skip
def test_each_kind_of_wrong_template_is_named(text: str, line: int, words: str) -> None:
    """One problem with the right line and the way round; line 0 stands for a file that is good."""
    found = said(text)
    assert [line] * (line > 0) == [place for place, _ in found], found
    assert all(words in message for _, message in found), found


def test_a_translation_may_become_too_long_or_empty_too() -> None:
    """Each language is measured with its own words."""
    text = """\
global_placeholders: {a: [{value: x, en: "%s", de: ""}]}
prompts:
- idx: 1
  prompt: "[[a]][[a]]"
  translations: {en: "[[a]][[a]]", de: "[[a]]", fr: "[[a]]"}
"""
    assert [message[:50] for _, message in said(text % ("x" * 5001))] == [
        "translations: en may become 10002 characters long,",
        "translations: de may come out empty: let something",
    ]


def test_limits_are_allowed() -> None:
    """Eight lists deep, ten thousand characters long, the smallest and the largest weight."""
    good = [
        one(chain(8), "[[n1]]"),
        one('{a: ["%s"]}' % ("x" * 100), "[[a]]" * 100),
        one("{a: [{value: x, weight: 0.001}, {value: y, weight: 1000000}]}"),
        one("{a: [1, 2.5, -3, x]}", "[[a]]"),
        "prompts: [{idx: 1, prompt: a, placeholders: }]\nglobal_placeholders:   # none yet\n",
    ]
    for text in good:
        assert said(text) == []


def test_numbers_are_values() -> None:
    """Numbers need no quotes, in both formats, also as a name."""
    yaml = read_text(one("{7: [3, 2.5, x], b: [{value: 4, en: 5}]}"), "prompts.yaml")
    text = '{"prompts": [], "global_placeholders": {"7": [3, 2.5, "x"], "b": [{"value": 4, "en": 5}]}}'
    for reading in (yaml, read_text(text, "prompts.json")):
        assert [value.text for value in reading.placeholders["7"]] == ["3", "2.5", "x"]
        assert [(value.text, value.translations) for value in reading.placeholders["b"]] == [("4", {"en": "5"})]


def test_thousands_of_lists_are_read(tmp_path: Path) -> None:
    """A way of five thousand lists, round or not, and lists that multiply without end are problems and no crash."""
    around = {f"n{number}": [f"[[n{(number + 1) % 5000}]]"] for number in range(5000)}
    (cycle,) = said(json.dumps({"prompts": [], "global_placeholders": around}), "prompts.json")
    assert cycle[1].startswith("global_placeholders: n0 → n1 → ")
    assert cycle[1].endswith(f"→ … → n0 {CYCLE}")
    deep = json.loads(chain(5000))
    assert ["deep" in message for _, message in said(json.dumps({"prompts": [], "global_placeholders": deep}),
                                                     "prompts.json")] == [True]  # fmt: skip
    wide = {f"n{number}": [f"[[n{number + 1}]]" * 1000, ""] for number in range(7)} | {"n7": ["", "x"]}
    prompts = [{"idx": 1, "prompt": "a [[n0]]"}]
    (endless,) = said(json.dumps({"prompts": prompts, "global_placeholders": wide}), "prompts.json")
    assert endless[1].startswith("prompt may become 1000000000000000000002 characters long")


@pytest.mark.parametrize(
    "members",
    [
        '"prompts": [], "global_placeholders": {"a": ["x"], "a": ["y"]}',
        '"prompts": [], "global_placeholders": {}, "global_placeholders": {}',
        '"prompts": [{"idx": 1, "prompt": "x", "placeholders": {"a": [{"value": 1, "value": 2}]}}]',
        '"prompts": [{"idx": 1, "prompt": "x", "placeholders": {}, "placeholders": {}}]',
    ],
)
def test_a_list_that_stands_there_twice_is_a_problem(members: str) -> None:
    """JSON would quietly take the second, and the server would drop the first when it writes."""
    ((_, message),) = said("{" + members + "}", "prompts.json")
    assert "twice" in message


def test_a_broken_list_keeps_the_last_good_templates(tmp_path: Path) -> None:
    """While the file is wrong the old lists are drawn from, also after a restart; nothing is added."""
    library = opened(tmp_path, yaml="prompts: [{idx: 1, prompt: '[[c]]'}]\nglobal_placeholders: {c: [red]}\n")
    broken = "prompts: [{idx: 1, prompt: '[[d]]'}]\nglobal_placeholders: {c: [blue]}\n"
    (tmp_path / "prompts.yaml").write_text(broken)
    for again in (library, opened(tmp_path)):
        assert again.draw(random.Random(1)).text == "red"
        assert again.expand("a [[c]] fox", random.Random(1)).text == "a red fox"
        with pytest.raises(PromptRefused) as caught:
            again.add("plain")
        assert caught.value.refusal == "broken_library"
    assert (tmp_path / "prompts.yaml").read_text() == broken


@pytest.mark.parametrize(
    ("text", "negative", "refusal", "message"),
    [
        ("a [[colour]] fox", None, "missing_placeholder", "prompt: there is no list for [[colour]]: did you mean"),
        ("a fox", "[[animal]]", "missing_placeholder", "negative: there is no list for [[animal]]"),
        ("a [[ color ]] fox", None, "missing_placeholder", "prompt: [[ color ]] has white space"),
        ("a [[red fox]]", None, "missing_placeholder", "prompt: [[red fox]] is no placeholder"),
        ("[[sky]]", None, "unfit", "prompt may come out empty"),
        ("[[sky]]" * 1300, None, "unfit", "prompt may become 10400 characters long"),
    ],
)
def test_a_template_that_would_break_the_file_is_refused(
    text: str, negative: str | None, refusal: str, message: str, tmp_path: Path
) -> None:
    """What comes over the network may use the lists for all prompts, and those only."""
    library = opened(tmp_path, yaml=TEMPLATED)
    with pytest.raises(PromptRefused) as caught:
        library.add(text, negative)
    assert (refusal, message) == (caught.value.refusal, str(caught.value)[: len(message)])
    assert (tmp_path / "prompts.yaml").read_text() == TEMPLATED


def test_a_good_template_is_added_as_it_is_written(tmp_path: Path) -> None:
    """A template that arrives over the network is a template in the file."""
    library = opened(tmp_path, yaml=TEMPLATED)
    added = library.add("a [[color]] bear in [[month]], [single] [[", "[[sky]]")
    assert added.text == "a [[color]] bear in [[month]], [single] [["
    again = opened(tmp_path)
    assert again.problems == []
    assert texts(again)[-1] == added.text
    assert again.all()[-1].negative == "[[sky]]"


def test_a_reading_with_a_problem_gives_nothing() -> None:
    """No half of a file comes into use."""
    assert read_text(WRONG_YAML, "prompts.yaml") == Reading(problems=read_text(WRONG_YAML, "prompts.yaml").problems)
