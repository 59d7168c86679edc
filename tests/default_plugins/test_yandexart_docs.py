"""What is written for owners about YandexART is what the provider does and says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import attrs
import pytest

from imageserver.default_plugins.yandexart.keys import FOLDER_VARIABLE, KEY_VARIABLE
from imageserver.default_plugins.yandexart.refusals import ROLE, SCOPE
from imageserver.default_plugins.yandexart.settings import YandexArtSettings

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "imageserver/default_plugins/yandexart"
CALLS = ROOT / "imageserver/calls"
GUIDES = ("docs/providers/yandexart.md", "docs/ru/providers/yandexart.md")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", ["docs/configuration.md", "docs/ru/configuration.md"])
def test_every_setting_has_its_row(document: str) -> None:
    """Both tables of providers name exactly the settings there are; the English one with the model's own sentence."""
    said = dict(re.findall(r"^\| `yandexart` \| `(\w+)` \| (.*) \|$", read(document), re.MULTILINE))
    fields = {field.name: field.metadata["doc"] for field in attrs.fields(YandexArtSettings)}
    assert list(said) == list(fields)
    if document == "docs/configuration.md":
        assert said == fields


@pytest.mark.parametrize("guide", GUIDES)
def test_what_an_owner_needs_is_named(guide: str) -> None:
    """The guide names the role, the scope, the key file and the variables as the code does."""
    text = read(guide)
    for name in (ROLE, SCOPE, str(YandexArtSettings().key_file), FOLDER_VARIABLE, KEY_VARIABLE):
        assert f"`{name}`" in text


@pytest.mark.parametrize("guide", GUIDES)
def test_the_messages_are_the_providers(guide: str) -> None:
    """Every message in the table is in some text of the provider, or of the calls that all providers share."""
    texts = " ".join(
        node.value
        for path in sorted([*PACKAGE.glob("*.py"), *CALLS.glob("*.py")])
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ).replace("lacks the role  ", f"lacks the role {ROLE} ")
    cells = re.findall(r"^\| (`.*?`) \| .* \| .* \|$", read(guide), re.MULTILINE)
    messages = [message for cell in cells for message in re.findall(r"`([^`]+)`", cell)]
    assert len(messages) > 15
    for message in messages:
        for part in filter(None, (part.strip() for part in message.split("…"))):
            assert part.removesuffix(f" {ROLE}") in texts, message


def test_both_languages_show_the_same() -> None:
    """Examples and messages are equal in both guides, and so is the number of steps."""
    shapes = []
    for guide in GUIDES:
        text = read(guide)
        blocks = re.findall(r"^```\w+\n.*?^```", text, re.MULTILINE | re.DOTALL)
        messages = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
        shapes.append((blocks, messages, len(re.findall(r"^\d\. ", text, re.MULTILINE)), text.count("\n## ")))
    assert shapes[0] == shapes[1]
    assert len(shapes[0][0]) > 5


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_somewhere(guide: str) -> None:
    """Links between documents lead to files, and links inside to headings."""
    text = read(guide)
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / guide).parent.joinpath(target).exists(), target
    headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.*)$", text, re.MULTILINE)}
    for target in re.findall(r"\]\(#([^)]+)\)", text):
        assert target in headings
