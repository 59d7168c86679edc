"""Templates: what is drawn for a placeholder, in which language, how often, and what can come out at all."""

from __future__ import annotations

import itertools
import json
import logging
import random
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from prompt_files import LOG, as_json, opened

from imageserver.language import Language
from imageserver.prompts import Prompt, PromptLibrary, example, moments
from imageserver.prompts.reading import read_text
from imageserver.prompts.templates import Draw, Lists, Measure, Value, inside
from imageserver.testing import FakeClock


def listed(**lists: list[str]) -> Lists:
    """Lists of plain values."""
    return {name: tuple(Value(text=text) for text in texts) for name, texts in lists.items()}


def drawn(text: str, lists: Lists, draws: int = 200) -> Counter[str]:
    """What became of a text, and how often, by one seed."""
    chance = random.Random(7)
    return Counter(Draw(lists, chance).write(text) for _ in range(draws))


# Drawing


def test_each_occurrence_is_drawn_anew() -> None:
    """Two placeholders of one name give all pairs of its values."""
    assert set(drawn("[[x]] and [[x]]", listed(x=["a", "b"]))) == {"a and a", "a and b", "b and a", "b and b"}


@pytest.mark.parametrize("name", ["color", "Color_2", "a-b", "7", "цвет", "Ёлка", "ґанок", "_"])
def test_names(name: str) -> None:
    """Latin and Cyrillic letters of any language, digits, "_" and "-" make a name."""
    assert set(drawn(f"[[{name}]]", {name: (Value(text="v"),)})) == {"v"}


@pytest.mark.parametrize(
    "text",
    ["[x]", "[[x", "x]]", "[[x] ]", "[ [x]]", "[[Х]]", "[[y]]", "[[ x ]]", "[[]]", "[[x y]]", "[[x\n]]", "[[X]]", "[]"],
)
def test_what_is_no_placeholder_stays_as_it_is_written(text: str) -> None:
    """Single brackets, brackets without their end, other names, another case, letters that only look the same."""
    assert set(drawn(text, listed(x=["a"]))) == {text}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[[x]]]", "[a]"),
        ("[[ [[x]]", "[[ a"),
        ("[[x]]]]", "a]]"),
        ("[[x]][[x]]", "aa"),
        ("[[[[x]]]]", "[[a]]"),
        ("[(x:1.2)] [[x]]", "[(x:1.2)] a"),
    ],
)
def test_brackets_around_a_placeholder_are_plain_text(text: str, expected: str) -> None:
    """The innermost pair of brackets is the placeholder."""
    assert set(drawn(text, listed(x=["a"]))) == {expected}


def test_values_are_equally_likely() -> None:
    """Of 40 000 draws from four values each comes a quarter of the times."""
    counts = drawn("[[x]]", listed(x=["a", "b", "c", "d"]), 40_000)
    assert set(counts) == {"a", "b", "c", "d"}
    assert all(abs(count - 10_000) < 350 for count in counts.values()), counts  # four standard deviations


def test_weights_say_how_often_a_value_comes() -> None:
    """A value of weight 3 comes three times as often as one without, and one of 0.5 half as often."""
    lists = {"x": (Value(text="a"), Value(text="b", weight=3), Value(text="c", weight=0.5))}
    counts = drawn("[[x]]", lists, 45_000)
    for value, expected in {"a": 10_000, "b": 30_000, "c": 5_000}.items():
        assert abs(counts[value] - expected) < 450, counts


def test_values_hold_placeholders() -> None:
    """A value is a template too, and each of its occurrences draws its own values."""
    lists = listed(x=["dark [[y]]", "light"], y=["red", "blue"])
    assert set(drawn("[[x]], [[x]]", lists)) == {
        f"{a}, {b}" for a in ("dark red", "dark blue", "light") for b in ("dark red", "dark blue", "light")
    }


def test_a_prompts_own_list_wins_everywhere(tmp_path: Path) -> None:
    """Also where a list for all prompts uses the name. Other prompts keep the list for all."""
    library = opened(
        tmp_path,
        yaml='global_placeholders: {c: [red], sky: ["[[c]] sky"]}\n'
        "prompts:\n- {idx: 1, prompt: 'one [[c]], [[sky]]', placeholders: {c: [blue]}}\n"
        "- {idx: 2, prompt: 'two [[c]], [[sky]]'}\n",
    )
    texts = {library.draw(random.Random(seed)).text for seed in range(30)}
    assert texts == {"one blue, blue sky", "two red, red sky"}


def test_a_drawn_prompt_knows_its_template(tmp_path: Path) -> None:
    """What was drawn says what it was drawn from; a text without placeholders has no template."""
    library = opened(
        tmp_path, yaml="prompts:\n- {idx: 1, prompt: '[[c]] fox', negative: 'not [[c]]', placeholders: {c: [red]}}\n"
    )
    assert library.draw(random.Random(1)) == Prompt(text="red fox", negative="not red", template="[[c]] fox", idx=1)
    assert library.all()[0].text == "[[c]] fox"
    (tmp_path / "prompts.yaml").write_text("prompts:\n- {idx: 1, prompt: a fox}\n")
    assert library.draw(random.Random(1)) == Prompt(text="a fox", idx=1)


def test_a_negative_of_which_nothing_is_left_is_none(tmp_path: Path) -> None:
    """An empty value may be all that a negative becomes; white space at the ends of texts goes."""
    library = opened(
        tmp_path, yaml="prompts:\n- {idx: 1, prompt: 'fox [[c]]', negative: '[[c]]', placeholders: {c: ['']}}\n"
    )
    assert library.draw(random.Random(1)) == Prompt(text="fox", template="fox [[c]]", idx=1)


# Languages


def test_translations_have_the_values_of_the_text() -> None:
    """The n-th [[x]] of a translation is the n-th of the text, wherever it stands there, in its own word."""
    lists = {
        "x": (Value(text="красный", translations={"en": "red"}), Value(text="синий", translations={"en": "blue"})),
        "y": (Value(text="кот"), Value(text="лис", translations={"en": "fox"})),
    }
    for seed in range(40):
        draw = Draw(lists, random.Random(seed))
        x, y, second = draw.write("[[x]] [[y]] [[x]]").split()
        english = {"красный": "red", "синий": "blue", "кот": "кот", "лис": "fox"}
        assert draw.write("[[y]]/[[x]]/[[x]]", "en") == f"{english[y]}/{english[x]}/{english[second]}"
        assert draw.write("[[x]] [[x]]", "en-gb") == f"{english[x]} {english[second]}"
        assert draw.write("[[x]] [[x]]", "de") == f"{x} {second}"


def test_nested_values_are_the_same_in_translations() -> None:
    """What is drawn inside a value is drawn once for all languages, also where its words change places."""
    lists = {
        "x": (Value(text="[[c]] [[a]] [[c]]", translations={"en": "[[a]]: [[c]], [[c]], [[c]]"}),),
        "c": tuple(Value(text=letter) for letter in "abcdefgh"),
        "a": tuple(Value(text=digit) for digit in "1234"),
    }
    more = set()
    for seed in range(30):
        draw = Draw(lists, random.Random(seed))
        first, a, second = draw.write("[[x]]").split()
        english = draw.write("[[x]]", "en")
        assert english[:-1] == f"{a}: {first}, {second}, "
        assert english == draw.write("[[x]]", "en")
        more.add(english[-1])
    assert len(more) > 2, "what the text has no value for is drawn for the translation"


def test_a_librarys_translations_come_expanded(tmp_path: Path) -> None:
    """A drawn prompt brings its translations as they are to be painted."""
    library = opened(
        tmp_path,
        yaml="prompts:\n- idx: 1\n  prompt: '[[c]] кот'\n  translations: {en: 'a [[c]] cat'}\n"
        "  placeholders: {c: [{value: рыжий, en: ginger}, {value: серый, en: grey}]}\n",
    )
    pairs = {
        (prompt.text, prompt.translations["en"]) for prompt in (library.draw(random.Random(seed)) for seed in range(20))
    }
    assert pairs == {("рыжий кот", "a ginger cat"), ("серый кот", "a grey cat")}


# The four that need no list


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("when", "english", "russian"),
    [
        ("2026-11-22 19:00", "autumn November Sunday evening", "осень ноябрь воскресенье вечер"),
        ("2026-12-01 04:59", "winter December Tuesday night", "зима декабрь вторник ночь"),
        ("2026-02-28 05:00", "winter February Saturday morning", "зима февраль суббота утро"),
        ("2026-03-02 12:00", "spring March Monday afternoon", "весна март понедельник день"),
        ("2026-06-04 17:59", "summer June Thursday afternoon", "лето июнь четверг день"),
        ("2026-09-02 18:00", "autumn September Wednesday evening", "осень сентябрь среда вечер"),
        ("2026-01-02 23:00", "winter January Friday night", "зима январь пятница ночь"),
    ],
)
def test_moments(when: str, english: str, russian: str) -> None:
    """Season, month, weekday and time of day, in both languages, with each other's translations."""
    text = "[[season]] [[month]] [[weekday]] [[time_of_day]]"
    written: list[tuple[Language, str]] = [("en", english), ("ru", russian)]
    for language, expected in written:
        draw = Draw(moments.now(moment(when), language), random.Random(1))
        assert draw.write(text) == expected
        assert draw.write(text, "en") == english
        assert draw.write(text, "ru") == russian


def test_whatever_a_moment_brings_was_checked_for() -> None:
    """The values that files are checked with are all that a year brings."""
    came: dict[str, set[Value]] = {}
    languages: tuple[Language, ...] = ("en", "ru")
    for day, language in itertools.product(range(366), languages):
        when = datetime.fromtimestamp(1_800_000_000 + day * 90_000, ZoneInfo("UTC"))
        for name, (value,) in moments.now(when, language).items():
            came.setdefault(name, set()).add(value)
    assert came == {name: set(values) for name, values in moments.EVER.items()}


def test_the_library_takes_the_owners_time_and_language(tmp_path: Path) -> None:
    """By the clock's zone it may be another day, and the language is asked with the prompts' texts."""
    (tmp_path / "prompts.yaml").write_text("prompts:\n- {idx: 1, prompt: '[[weekday]] [[month]] [[time_of_day]]'}\n")
    asked = []

    def language(texts: object) -> Language:
        assert isinstance(texts, Iterator)
        asked.append(list(texts))
        return "ru"

    clock = FakeClock(moment("2026-05-31T22:30+00:00").timestamp())
    library = PromptLibrary(tmp_path, 10, LOG, clock=clock, language=language)
    library.open()
    assert library.draw(random.Random(1)).text == "воскресенье май вечер"
    clock.zone = ZoneInfo("Asia/Novosibirsk")
    assert library.draw(random.Random(1)).text == "понедельник июнь утро"
    assert asked == [["[[weekday]] [[month]] [[time_of_day]]"]]


def test_an_own_list_wins_over_a_moment(tmp_path: Path) -> None:
    """In the south of the world the owner says what the season is."""
    library = opened(
        tmp_path, yaml="global_placeholders: {season: [always]}\nprompts: [{idx: 1, prompt: '[[season]]'}]"
    )
    assert library.draw(random.Random(1)).text == "always"


# Prompts from elsewhere


SHARED = """\
global_placeholders: {color: [red], long: ["%s"], nothing: [""]}
prompts:
- {idx: 1, prompt: "a [[own]] fox", negative: rain, translations: {en: "the [[own]] one"}, placeholders: {own: [sly]}}
"""


def test_a_prompt_from_elsewhere_uses_the_lists_for_all(tmp_path: Path) -> None:
    """Known placeholders are replaced, in the negative too; unknown ones stay; the template is kept."""
    library = opened(tmp_path, yaml=SHARED % "x")
    assert library.expand("a [[color]] [[own]] cat", random.Random(1), "no [[color]]") == Prompt(
        text="a red [[own]] cat", negative="no red", template="a [[color]] [[own]] cat", idx=0
    )
    assert library.expand("plain", random.Random(1)) == Prompt(text="plain", idx=0)


def test_a_prompt_of_the_librarys_text_takes_its_lists_and_translations(tmp_path: Path) -> None:
    """Who sends the very text of the library gets what the library has for it, but not its negative."""
    library = opened(tmp_path, yaml=SHARED % "x")
    assert library.expand("a [[own]] fox", random.Random(1)) == Prompt(
        text="a sly fox", translations={"en": "the sly one"}, template="a [[own]] fox", idx=0
    )


@pytest.mark.parametrize("text", ["[[nothing]]", " [[nothing]][[nothing]]", "[[long]]" * 101])
def test_what_would_come_out_empty_or_too_long_stays_as_it_is_written(text: str, tmp_path: Path) -> None:
    """A stranger's prompt cannot make the server paint nothing, or write a book."""
    library = opened(tmp_path, yaml=SHARED % ("x" * 100))
    assert library.expand(text, random.Random(1)) == Prompt(text=text, idx=0)
    assert len(library.expand("[[long]]" * 100, random.Random(1)).text) == 10_000


def test_what_is_missing_is_said_before(tmp_path: Path) -> None:
    """Texts in the options are looked at when the server starts."""
    library = opened(tmp_path, yaml=SHARED % ("x" * 100))
    assert library.missing("a [[color]] [[season]] [fox]") == []
    assert library.missing("[[colour]] [[own]] [[a b]]") == [
        "there is no list for [[colour]]: did you mean [[color]]?",
        "there is no list for [[own]]: add one to placeholders or global_placeholders",
        '[[a b]] is no placeholder: a name has letters, digits, "_" and "-" (plain brackets stand alone: [ ])',
    ]
    assert library.missing("[[nothing]]") == [
        "the prompt may come out empty: let something stand beside the placeholders"
    ]
    assert library.missing("[[long]]" * 101) == ["the prompt may become 10100 characters long, and 10000 is the most"]


# What can come out at all. The lists are made as structures, which a second way of expanding works on.

Piece = str | int  # plain text, or the number of a list
Template = list[Piece]


def as_text(template: Template) -> str:
    return "".join(piece if isinstance(piece, str) else f"[[n{piece}]]" for piece in template)


def every(template: Template, lists: list[list[Template]]) -> list[str]:
    """What comes of every combination of values."""
    choices = [
        [piece]
        if isinstance(piece, str)
        else [text for value in _distinct(lists[piece]) for text in every(value, lists)]
        for piece in template
    ]
    return ["".join(chosen) for chosen in itertools.product(*choices)]


def _distinct(values: list[Template]) -> list[Template]:
    return list({as_text(value): value for value in values}.values())


PLAIN = st.text("ab, [ё]", max_size=3).filter(lambda text: "[[" not in text and "]]" not in text)


def pieces(first: int, lists: int) -> st.SearchStrategy[Template]:
    """Texts that use lists from `first` on; so no way leads back."""
    names = st.integers(first, lists - 1) if first < lists else PLAIN
    return st.lists(PLAIN.filter(lambda text: not text.startswith("]") and not text.endswith("[")) | names, max_size=3)


@st.composite
def libraries(draw: st.DrawFn) -> tuple[Template, list[list[Template]]]:
    """A text and up to four lists for it."""
    number = draw(st.integers(1, 4))
    lists = [draw(st.lists(pieces(name + 1, number), min_size=1, max_size=3)) for name in range(number)]
    return draw(pieces(0, number)), lists


@settings(max_examples=300)
@given(library=libraries(), seed=st.integers(0, 2**32))
def test_draws_counts_and_measures_agree_with_the_enumeration(
    library: tuple[Template, list[list[Template]]], seed: int
) -> None:
    """All that is drawn is among what can be, which is as many as counted and no longer than measured."""
    template, values = library
    written = [as_text(value) for one in values for value in one] + [as_text(template)]
    # two plain pieces side by side may make brackets that were not meant
    assume(all(re.sub(r"\[\[n\d\]\]", "", text).count("[[") == 0 for text in written))
    assume(all(len(inside(text)) == text.count("[[n") for text in written))
    lists = {f"n{number}": tuple(Value(text=as_text(value)) for value in one) for number, one in enumerate(values)}
    text, measure = as_text(template), Measure(lists)
    assume(measure.count(text) <= 3000)
    possible = every(template, values)
    assert measure.count(text) == len(possible)
    assert measure.may_be_empty(text) == any(not one.strip() for one in possible)
    longest = max(len(one) for one in possible)
    assert longest <= measure.longest(text)
    if all(as_text(value) for one in values for value in one):
        assert longest == measure.longest(text)
    chance = random.Random(seed)
    assert {Draw(lists, chance).write(text) for _ in range(20)} <= set(possible)


def test_equal_values_of_one_list_count_once() -> None:
    """Who writes a value twice to see it more often has one combination of it."""
    lists = listed(x=["a", "a", "b"], y=["[[x]]", "[[x]][[x]]"])
    assert Measure(lists).count("[[x]] [[y]]") == 2 * (2 + 4)
    assert Measure(lists).count("plain [[z]]") == 1


# The example


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_example_is_a_good_library_with_everything(language: Language) -> None:
    """Both examples can be used as they are, and show every feature."""
    text = example.text(language)
    reading = read_text(text, "prompts.yaml")
    assert reading.problems == ()
    values = [
        value
        for lists in (reading.placeholders, *(prompt.placeholders for prompt in reading.prompts))
        for values in lists.values()
        for value in values
    ]
    assert any(value.weight != 1 for value in values)
    assert any(value.translations for value in values)
    assert any(inside(value.text) for value in values)
    assert any(value.text == "" for value in values)
    assert any(value.text.isdigit() for value in values)
    assert any(set(prompt.placeholders) & set(reading.placeholders) for prompt in reading.prompts)
    assert all(f"[[{name}]]" in text for name in moments.EVER)
    assert any(inside(prompt.negative or "") for prompt in reading.prompts)
    assert any(inside(translation) for prompt in reading.prompts for translation in prompt.translations.values())
    assert bool(re.search("[А-я]", text)) == (language == "ru")


def test_the_example_is_written_once_in_the_owners_language(tmp_path: Path) -> None:
    """It stands beside the library, is no library, and is left alone once it is there."""
    opened(tmp_path, json=as_json("a fox"))
    written = tmp_path / "prompts_example.yaml"
    assert written.read_text(encoding="utf-8") == example.text("en")
    written.write_text("mine")
    opened(tmp_path)
    assert written.read_text() == "mine"
    written.unlink()
    assert [prompt.text for prompt in opened(tmp_path, json=as_json("лис")).all()] == ["лис"]
    assert written.read_text(encoding="utf-8") == example.text("ru")


def test_a_start_without_room_for_the_example_is_a_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be written is said; the library is in use."""
    (tmp_path / ".prompts_example.yaml.tmp").mkdir()
    with caplog.at_level(logging.WARNING):
        library = opened(tmp_path, json=as_json("a"))
    assert library.draw(random.Random(1)).text == "a"
    assert any(line.startswith("prompts_example.yaml cannot be written: ") for line in caplog.messages)


# What the old server read


def test_files_of_the_old_server_are_read_unchanged(tmp_path: Path) -> None:
    """prompts.json of 1.1, and prompts.yaml of 1.02 to 1.05 with both kinds of placeholders."""
    (tmp_path / "1.1").mkdir()
    old = {"prompts": [{"idx": 1, "prompt": "a lake", "negative": "people"}, {"idx": 2, "prompt": "a fox"}]}
    library = opened(tmp_path / "1.1", json=json.dumps(old))
    assert library.all() == (Prompt(text="a lake", negative="people", idx=1), Prompt(text="a fox", idx=2))
    (tmp_path / "1.05").mkdir()
    library = opened(
        tmp_path / "1.05",
        yaml="prompts:\n"
        "    - idx: 1\n      prompt: a [[color]] fox in [[season-2]]\n      negative: '[x]'\n"
        "      placeholders:\n        color:\n            - red\n            - gold\n"
        "    - idx: 2\n      prompt: plain [text]\n"
        "global_placeholders:\n    color:\n        - blue\n    season-2:\n        - winter\n",
    )
    assert library.problems == []
    texts = {library.draw(random.Random(seed)).text for seed in range(40)}
    assert texts == {"a red fox in winter", "a gold fox in winter", "plain [text]"}


@pytest.mark.parametrize("page", ["docs/configuration.md", "docs/ru/configuration.md"])
def test_the_documented_example_is_a_good_library(page: str) -> None:
    """What the documents show can be copied as it is."""
    text = (Path(__file__).parent.parent / page).read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(global_placeholders:\n.*?)^```", text, re.MULTILINE | re.DOTALL)
    reading = read_text(block, "prompts.yaml")
    assert reading.problems == ()
    assert len(reading.prompts) == 2


def test_what_begins_with_brackets_needs_quotes() -> None:
    """YAML takes them for lists; the message says what to do."""
    reading = read_text("prompts:\n  - idx: 1\n    prompt: [[color]] cat\n", "prompts.yaml")
    (problem,) = reading.problems
    assert problem.where == "prompts.yaml:3"
    assert problem.message.endswith('needs quotes, like "[[color]] cat"')
