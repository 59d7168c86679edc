"""What pages say: every message has its translation, and the reader gets the language that they read."""

from __future__ import annotations

import gettext
import io
import re
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from live import live

from imageserver.config.model import FrameOptions, Options, Terms
from imageserver.web.catalogue import CatalogueBroken, read_catalogue
from imageserver.web.setting_words import SENTENCES
from imageserver.web.words import LANGUAGES, preferred

ROOT = Path(__file__).parent.parent
LOCALE = ROOT / "imageserver/web/locale"
OTHERS = [language for language in LANGUAGES if language != "en"]


def catalogue(language: str) -> Catalog:
    """As Babel reads it."""
    with (LOCALE / language / "LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale=language)


def key(message: Message) -> tuple[str, ...]:
    """The id, and that of the plural."""
    return tuple(map(str, message.id)) if isinstance(message.id, tuple) else (str(message.id),)


def forms_of(message: Message) -> tuple[str, ...]:
    """The translation in all its forms."""
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    return tuple(str(form or "") for form in forms)


def placeholders(text: str) -> list[str]:
    """What is filled in, and what a browser takes for more than text."""
    return sorted(re.findall(r"%\(\w+\)s|</?\w+>", text))


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Every message of the templates and the code, as `make words` finds them."""
    template = tmp_path_factory.mktemp("words") / "messages.pot"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(r"pybabel --quiet extract (.*?)\\\n", makefile)
    assert found is not None
    command = [sys.executable, "-m", "babel.messages.frontend", "--quiet", "extract", *found[1].split()]
    subprocess.run([*command, "--output-file", str(template), "imageserver/web"], cwd=ROOT, check=True)
    with template.open("rb") as file:
        return read_po(file)


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated(extracted: Catalog, language: str) -> None:
    """The catalogue has exactly the messages there are, each in all its forms and none that is only guessed."""
    known = catalogue(language)
    there = {key(message) for message in extracted if message.id}
    assert len(there) > 40
    assert {key(message) for message in known if message.id} == there
    assert not known.obsolete
    for message in known:
        if message.id:
            forms = forms_of(message)
            assert len(forms) == (known.num_plurals if message.pluralizable else 1), message.id
            assert all(forms), message.id
            assert not message.fuzzy, message.id


def test_settings_are_called_what_the_documents_call_them() -> None:
    """Every sentence of the model can be translated, and the Russian of a page is that of the Russian document."""
    russian: dict[str, str] = {}
    for document, head, cls in (
        ("configuration", "настройка", Options),
        ("configuration", "ключ", Terms),
        ("frames", "ключ", FrameOptions),
    ):
        table = (ROOT / f"docs/ru/{document}.md").read_text(encoding="utf-8").partition(f"| {head} |")[2]
        cells = [line.strip("| ").split(" | ") for line in table.partition("\n\n")[0].splitlines()]
        told = {row[0].split("`")[1]: row[-1] for row in cells if row[0].startswith("`")}
        for field in attrs.fields(cls):
            russian.setdefault(field.metadata["doc"], told[field.name])
    assert set(SENTENCES) == set(russian)
    known = {str(message.id): str(message.string) for message in catalogue("ru") if not message.pluralizable}
    assert {sentence: known[sentence] for sentence in SENTENCES} == russian


@pytest.mark.parametrize("language", OTHERS)
def test_placeholders_agree(language: str) -> None:
    """What is filled into a message, and each tag in it, is in each form of its translation."""
    for message in catalogue(language):
        if message.id:
            wanted = placeholders(key(message)[-1])
            assert all(placeholders(form) == wanted for form in forms_of(message)), message.id


@pytest.mark.parametrize("language", OTHERS)
def test_our_reader_reads_as_babel_does(language: str) -> None:
    """The catalogue that the server makes of the text is the one that Babel's compiler makes."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    theirs = gettext.GNUTranslations(compiled)
    ours = read_catalogue(LOCALE / language / "LC_MESSAGES/messages.po")
    one, other = vars(ours)["_catalog"], vars(theirs)["_catalog"]
    assert {name: text for name, text in one.items() if name} == {name: text for name, text in other.items() if name}
    for number in (1, 2, 5, 11, 21, 102, 111):
        assert ours.ngettext("%(count)s more frame", "%(count)s more frames", number) == theirs.ngettext(
            "%(count)s more frame", "%(count)s more frames", number
        )
    assert ours.ngettext("%(count)s more frame", "%(count)s more frames", 2) == "ещё %(count)s рамки"


TRICKY = r"""
# a comment
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=2; plural=n != 1;\n"

#, fuzzy
msgid "guessed"
msgstr "geraten"

msgid "not yet"
msgstr ""

msgctxt "month"
msgid "May"
msgstr "Mai"

msgid "tab\t\"quoted\" "
"and \\ more"
msgstr "Tab\t„Tüttel“ "
"und \\ mehr\n"
msgid "one"
msgid_plural "many"
msgstr[0] "eins"
msgstr[1] "viele"

#~ msgid "old"
#~ msgstr "alt"
"""


def test_everything_that_a_catalogue_may_hold(tmp_path: Path) -> None:
    """Comments, escapes, contexts, plurals, and texts over several lines are read; guesses and empty ones are not."""
    (tmp_path / "x.po").write_text(TRICKY, encoding="utf-8")
    words = read_catalogue(tmp_path / "x.po")
    assert words.gettext("guessed") == "guessed"
    assert words.gettext("not yet") == "not yet"
    assert words.gettext("old") == "old"
    assert words.pgettext("month", "May") == "Mai"
    assert words.gettext('tab\t"quoted" and \\ more') == "Tab\t„Tüttel“ und \\ mehr\n"
    assert [words.ngettext("one", "many", number) for number in (1, 2)] == ["eins", "viele"]


@pytest.mark.parametrize("text", ["msgid nothing", '"hanging"', 'msgid "a', "hello"])
def test_a_broken_catalogue_says_where(tmp_path: Path, text: str) -> None:
    """A line that is none of a catalogue is named."""
    (tmp_path / "x.po").write_text(f"# x\n{text}\n", encoding="utf-8")
    with pytest.raises(CatalogueBroken, match=r"x\.po:2"):
        read_catalogue(tmp_path / "x.po")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ru", "ru"),
        ("RU-ru", "ru"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "ru"),
        ("de-DE,de;q=0.9,ru;q=0.5", "ru"),
        ("en,ru;q=0.9", "en"),
        ("en;q=0.3,ru;q=0.4", "ru"),
        ("ru;q=0", "en"),
        ("de", "en"),
        ("rus", "en"),
        ("*", "en"),
        ("ru;q=x", "en"),
        (";;;,,,=" * 1000 + "ru", "en"),
    ],
)
def test_the_language_that_a_browser_asks_for(header: str, language: str) -> None:
    """The best of our languages by the browser's own order; English where it names none of them."""
    assert preferred(header) == language


async def test_the_page_speaks_the_readers_language(tmp_path: Path) -> None:
    """By the browser's header at first, by the reader's choice from then on; the counts have their right forms."""
    async with live(tmp_path, options="disabled_providers: [atelier]\n", stored=3) as server:
        russian = {"Accept-Language": "ru"}
        async with server.http.get("/", headers=russian) as answer:
            text = await answer.text()
        assert '<html lang="ru">' in text
        assert "Показать можно 3 картинки." in text
        assert 'href="./language?to=en&amp;page="' in text
        async with server.http.get("/language?to=en&page=", headers=russian, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "./")
            assert answer.headers["Set-Cookie"] == ("imageserver_language=en; HttpOnly; Max-Age=31536000; SameSite=Lax")
        chosen = {**russian, "Cookie": "imageserver_language=en"}
        async with server.http.get("/", headers=chosen) as answer:
            assert '<html lang="en">' in await answer.text()
        async with server.http.get("/", headers={"Cookie": "imageserver_language=xx"}) as answer:
            assert '<html lang="en">' in await answer.text()
        for page in ("//evil.example", "https://evil.example", "\\\\evil", "..%2F", "a" * 41):
            async with server.http.get("/language", params={"to": "ru", "page": page}, allow_redirects=False) as answer:
                assert answer.headers["Location"] == "./"
        async with server.http.get("/language?to=xx", allow_redirects=False) as answer:
            assert answer.status == 400
