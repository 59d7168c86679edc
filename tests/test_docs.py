"""The documentation says what there is: options, routes, commands, hooks, names; and nothing that there is not."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import attrs
import click
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

import imageserver
from imageserver import hookspecs
from imageserver.access.rules import For
from imageserver.cli import main
from imageserver.config import reader
from imageserver.config.broker import MqttOptions
from imageserver.config.model import FrameOptions, Options, Terms
from imageserver.config.reader import ENVIRONMENT
from imageserver.home.topics import ORDERS, Topics
from imageserver.web.routes import ROUTES, add_routes

ROOT = Path(__file__).parent.parent
PAGES = sorted(path.stem for path in (ROOT / "docs/providers").glob("*.md"))  # of providers, by code
DOCUMENTS = (
    *(f"docs/{folder}{page}.md" for page in PAGES for folder in ("providers/", "ru/providers/")),
    "README.md",
    "README.ru.md",
    "docs/architecture.md",
    "docs/backup.md",
    "docs/configuration.md",
    "docs/http-api.md",
    "docs/install.md",
    "docs/extensions.md",
    "docs/fitting.md",
    "docs/panel.md",
    "docs/performance.md",
    "docs/frames.md",
    "docs/home-assistant.md",
    "docs/operations.md",
    "docs/plugin-hooks.md",
    "docs/security.md",
    "docs/ru/backup.md",
    "docs/ru/configuration.md",
    "docs/ru/extensions.md",
    "docs/ru/frames.md",
    "docs/ru/install.md",
    "docs/ru/security.md",
    "SECURITY.md",
    "docs/ru/home-assistant.md",
    "plugins/README.md",
)
CONFIGURATIONS = ("docs/configuration.md", "docs/ru/configuration.md")
FIELDS = {field.name: field for field in attrs.fields(Options)}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(text: str, first: str) -> list[list[str]]:
    """The rows of the table whose head begins with this cell."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            break
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def blocks(text: str, language: str = r"\w+") -> list[str]:
    return re.findall(rf"^```(?:{language})\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def option_rows(document: str) -> dict[str, list[str]]:
    head = "option" if document == "docs/configuration.md" else "настройка"
    return {re.findall(r"`(\w+)`", row[0])[0]: row for row in rows(read(document), head)}


@pytest.mark.parametrize("document", CONFIGURATIONS)
def test_every_option_has_its_row_with_its_default(document: str) -> None:
    """Both tables of options name exactly the options there are, with their other names and defaults."""
    table = option_rows(document)
    assert list(table) == list(FIELDS)
    for name, (names, default, *_) in table.items():
        field = FIELDS[name]
        other = field.metadata["other_name"]
        assert names == (f"`{name}` (`{other}`)" if other else f"`{name}`")
        if isinstance(field.default, Path) or name == "log_file":  # they depend on where the data folder is
            assert re.search(rf"^\| `{name}` \| .*`(images|plugins|certs|log)`", read(document), re.MULTILINE), name
        else:
            assert default == f"`{_as_written(field.default)}`"


def _options(name: str, value: object) -> Options:
    given: dict[str, Any] = {name: value}
    return Options(**given)


def _as_written(value: object) -> str:
    if value == ():
        return "[]"
    if value is None:
        return "~"
    return f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize("document", CONFIGURATIONS)
def test_the_limits_in_the_table_are_the_limits(document: str) -> None:
    """What the tables allow is accepted, and what lies just outside is refused."""
    hints = get_type_hints(Options)
    bounded = 0
    for name, (_, _, allowed, _) in option_rows(document).items():
        if get_origin(hints[name]) is Literal:
            assert allowed == ", ".join(get_args(hints[name]))
        elif limits := re.fullmatch(r"(\d+) (?:to|…) (\d+)", allowed):
            low, high = map(int, limits.groups())
            bounded += 1
            for good in (low, high):
                assert getattr(_options(name, good), name) == good
            for bad in (low - 1, high + 1):
                with pytest.raises(ValueError, match="expected a number"):
                    _options(name, bad)
        else:
            assert hints[name] not in (int, float), f"{name} is a number without limits"
    assert bounded == sum(hint in (int, float) for hint in hints.values())


def test_the_english_table_says_what_the_model_says() -> None:
    """An option is explained in the document with the very sentence that stands in the model."""
    told = {name: row[3] for name, row in option_rows("docs/configuration.md").items()}
    assert told == {name: field.metadata["doc"] for name, field in FIELDS.items()}


def test_every_term_of_a_provider_is_documented() -> None:
    """The keys that every provider knows are in both tables, in English with the model's own sentence."""
    fields = {field.name: field.metadata["doc"] for field in attrs.fields(Terms)}
    assert {row[0].strip("`"): row[1] for row in rows(read("docs/configuration.md"), "key")} == fields
    assert {row[0].strip("`") for row in rows(read("docs/ru/configuration.md"), "ключ")} == set(fields)


def test_every_key_of_a_frame_is_documented() -> None:
    """The keys under a frame's name are in both tables, in English with the model's own sentence."""
    fields = {field.name: field.metadata["doc"] for field in attrs.fields(FrameOptions)}
    assert {row[0].strip("`"): row[1] for row in rows(read("docs/frames.md"), "key")} == fields
    assert {row[0].strip("`") for row in rows(read("docs/ru/frames.md"), "ключ")} == set(fields)


def test_every_key_of_the_broker_is_documented() -> None:
    """The keys under `mqtt` are in both tables, in English with the model's own sentence, and the example is good."""
    fields = {field.name: field.metadata["doc"] for field in attrs.fields(MqttOptions)}
    assert {row[0].strip("`"): row[1] for row in rows(read("docs/home-assistant.md"), "key")} == fields
    assert {row[0].strip("`") for row in rows(read("docs/ru/home-assistant.md"), "ключ")} == set(fields)


def test_what_the_broker_is_told_is_documented() -> None:
    """The topics of the table are those of the code."""
    topics = Topics(base="imageserver", discovery=None)
    for document in ("docs/home-assistant.md", "docs/ru/home-assistant.md"):
        said = read(document)
        for topic in (
            topics.status,
            topics.server,
            topics.provider("CODE"),
            topics.frame("NAME"),
            topics.image("NAME"),
        ):
            assert f"| `{topic}` |" in said
        for order, words in ORDERS.items():
            assert f"/set/{order}`" in said
            assert all(f"`{word}`" in said for word in words)


@pytest.mark.parametrize("document", ["docs/frames.md", "docs/ru/frames.md"])
def test_the_example_of_frames_is_a_good_one(document: str, tmp_path: Path) -> None:
    """What an owner copies from there is accepted as it stands."""
    (tmp_path / "options.yml").write_text(blocks(read(document), "yaml")[0], encoding="utf-8")
    config = reader.load(tmp_path, flags={}, environment={}, now=datetime.now(UTC))
    assert list(config.frames) == ["kitchen", "hall", "nursery"]


@pytest.mark.parametrize("document", CONFIGURATIONS)
def test_every_environment_variable_is_documented(document: str) -> None:
    """The variables that stand for options are in the table of variables."""
    head = "variable" if document == "docs/configuration.md" else "переменная"
    table = {row[0].strip("`"): row[1] for row in rows(read(document), head)}
    for option, variables in ENVIRONMENT.items():
        for variable in variables:
            assert f"`{option}`" in table[variable]
    assert "IMAGESERVER_DATA" in table


def test_every_route_is_documented_and_no_other() -> None:
    """The table of routes is the server's table, whom each is for included, and each has its part of the document."""
    text = read("docs/http-api.md")
    table = [(row[0], row[1].strip("`"), row[2].strip("`")) for row in rows(text, "method")]
    assert table == [(method, path, str(route_for)) for method, path, _, route_for in ROUTES]
    headings = re.findall(r"^###? (GET|POST|PUT|PATCH|DELETE) (\S+)$", text, re.MULTILINE)
    documented = {(method, path) for method, path, _ in table}
    assert set(headings) == documented - {("GET", "/static/{file}")}  # it belongs to the pages
    assert {row[0].strip("`") for row in rows(text, "for")} == {str(one) for one in For}


def test_head_works_where_the_document_says_so() -> None:
    """The sentence about HEAD names the routes that take it, and no other."""
    said = re.search(r"HEAD works for (.*?)\.\s", read("docs/http-api.md"), re.DOTALL)
    assert said is not None
    app = web.Application()
    add_routes(app)
    taken = {route.resource.canonical for route in app.router.routes() if route.method == "HEAD" and route.resource}
    assert set(re.findall(r"`(\S+?)`", said[1])) == taken


@pytest.mark.parametrize("document", ["README.md", "README.ru.md", "docs/http-api.md"])
async def test_the_curl_examples_ask_for_routes_that_exist(document: str) -> None:
    """Every curl line in the documents reaches a route of the server with a method that it takes."""
    app = web.Application()
    add_routes(app)
    commands = [
        line for block in blocks(read(document), "sh") for line in _joined(block) if line.startswith("curl") and line
    ]
    assert len(commands) >= 5
    for command in commands:
        address = re.search(r"http://localhost:8099(/[^\s\"']*)", command)
        assert address is not None, command
        method = "HEAD" if " -I " in command else "POST" if " -X POST " in command else "GET"
        assert (" -d " in command) == (method == "POST"), command
        found = await app.router.resolve(make_mocked_request(method, address[1].replace("$ID", "x")))
        assert found.http_exception is None, command


def _joined(block: str) -> list[str]:
    return block.replace("\\\n", " ").splitlines()


def _commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        yield name, command


def _below(command: click.Command) -> dict[str, click.Command]:
    """The commands of a group, by name."""
    return dict(command.commands) if isinstance(command, click.Group) else {}


def test_every_command_and_its_options_are_documented() -> None:
    """The table of commands names every command, and every option of each, or of one below it, is said beside it."""
    text = read("docs/operations.md")
    table = {row[0].strip("`"): row[1] for row in rows(text, "command")}
    assert set(table) == {name for name, _ in _commands()}
    frame_options = " ".join(row[0] for row in rows(text, "option"))
    for name, command in _commands():
        options = {
            option
            for one in (command, *_below(command).values())
            for parameter in one.params
            if isinstance(parameter, click.Option)
            for option in parameter.opts
        }
        told = set(re.findall(r"--[\w-]+", frame_options if name == "frame" else table[name]))
        assert told == options - {"--data"}, name


@pytest.mark.parametrize("document", DOCUMENTS)
def test_only_commands_that_exist_are_shown(document: str) -> None:
    """Whatever the documents tell people to type is a command of ours with options that it has."""
    commands = dict(_commands())
    for line in re.findall(r"(?:\.venv/bin/|imageserver |`)imageserver ([a-z][^\n`]*)", read(document)):
        name, *rest = line.split()
        assert name in commands, line
        command = _below(commands[name]).get(rest[0] if rest else "", commands[name])
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in rest if word.startswith("--")} <= known, line


def test_every_hook_has_a_heading_with_its_signature() -> None:
    """The headings of the document of hooks are the hooks with their arguments, and no other."""
    there = {
        f"{name}({', '.join(inspect.signature(hook).parameters)})"
        for name, hook in vars(hookspecs).items()
        if name.startswith("imageserver_")
    }
    assert there
    assert there == set(re.findall(r"^## (imageserver_.*)$", read("docs/plugin-hooks.md"), re.MULTILINE))


def test_every_public_name_is_documented() -> None:
    """What `imageserver` exports is explained to the authors of plugins."""
    text = read("docs/plugin-hooks.md")
    missing = [name for name in imageserver.__all__ if not re.search(rf"\b{name}\b", text)]
    assert missing == []
    assert f"`imageserver.API_VERSION` is {imageserver.API_VERSION}." in text


def test_the_table_of_a_providers_attributes_is_the_class() -> None:
    """The class attributes of ImageProvider stand in the document with their defaults, and no other."""
    provider = imageserver.ImageProvider
    said = {row[0].strip("`"): row[1].strip("`") for row in rows(read("docs/plugin-hooks.md"), "attribute")}
    assert set(said) == set(provider.__annotations__)
    for name, default in said.items():
        if name not in ("code", "title"):  # a code has none, and a title that is empty becomes the code
            assert ast.literal_eval(default) == getattr(provider, name), name


def test_the_table_of_errors_says_which_count_as_paid() -> None:
    """Every provider error is in the table, with what the server takes for paid."""
    said = {row[0].strip("`"): row[2] == "yes" for row in rows(read("docs/plugin-hooks.md"), "class")}
    classes = [getattr(imageserver, name) for name in imageserver.__all__]
    errors = [kind for kind in classes if inspect.isclass(kind) and issubclass(kind, imageserver.ProviderError)]
    assert said == {kind.__name__: kind.usually_charged for kind in errors}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    """Every link from one document to a file of the project leads to a file."""
    for target in re.findall(r"\]\(([^)#:]+)\)", read(document)):
        assert (ROOT / document).parent.joinpath(target).exists(), target


def test_the_readmes_have_the_same_small_pictures_of_pages() -> None:
    """Each is there, small enough for a README, described, and one of those that `make docs-pictures` writes."""
    shown = {}
    for name, ending in (("README.md", ".jpg"), ("README.ru.md", "-ru.jpg")):
        found = re.findall(r'<img src="(docs/pictures/page-[^"]+)" width="\d+" alt="[^"]+">', read(name))
        assert all(path.endswith(ending) and (ROOT / path).stat().st_size < 80_000 for path in found), found
        shown[name] = [path.removesuffix(ending) for path in found]
    assert shown["README.md"] == shown["README.ru.md"]
    assert len(shown["README.md"]) == 4
    written = {path.name for path in (ROOT / "docs/pictures").glob("page-*.jpg")}
    assert written == {Path(path).name + ending for path in shown["README.md"] for ending in (".jpg", "-ru.jpg")}


def test_both_readmes_show_the_same() -> None:
    """The code blocks of the two READMEs are equal apart from their comments."""
    english, russian = (
        [_without_comments(block) for block in blocks(read(name))] for name in ("README.md", "README.ru.md")
    )
    assert english == russian
    assert len(english) > 15


def test_both_documents_of_options_show_the_same() -> None:
    """The code blocks of the two documents of options are equal."""
    english, russian = (blocks(read(name)) for name in CONFIGURATIONS)
    assert english == russian


def test_both_guides_to_the_installation_show_the_same() -> None:
    """The code blocks of the two are equal, and what nginx's example wants in the options is what both say."""
    english, russian = (blocks(read(name)) for name in ("docs/install.md", "docs/ru/install.md"))
    assert english == russian
    head = re.findall(r"^#   (\w+: .*\n)", read("conf/nginx.conf"), re.MULTILINE)
    assert "".join(head) in english


def test_variables_of_the_container_are_those_of_compose() -> None:
    """What the guide puts into `.env` is what compose.yaml reads, with the values that it takes without."""
    (shown,) = (block for block in blocks(read("docs/install.md"), "text") if "TZ=" in block)
    for name, value in (line.split("=") for line in shown.splitlines()):
        taken = set(re.findall(rf"\$\{{{name}:-([^}}]*)\}}", read("compose.yaml"))) - {""}
        assert taken == {value} or name == "TZ", name


def _without_comments(block: str) -> str:
    return "\n".join(re.sub(r"(^|\s+)#\s.*", "", line) for line in block.splitlines())


@pytest.mark.skipif(not (ROOT / "Makefile").exists(), reason="a source distribution has no Makefile")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_exist(document: str) -> None:
    """Every `make` that is shown is a target of the Makefile."""
    targets = set(re.findall(r"^([\w-]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^|&& |`)make ([\w-]+)", "\n".join(blocks(read(document))), re.MULTILINE)) <= targets


def test_log_lines_that_are_explained_are_log_lines_of_the_code() -> None:
    """Each line that the owner is told about is one that the server can write."""
    headings = re.findall(r"^### `(.*)`$", read("docs/operations.md"), re.MULTILINE)
    assert len(headings) > 15
    texts = list(_texts())
    for heading in headings:
        if heading != "prompts.yaml:…: …":  # a Problem: where it stands and what is wrong
            assert any(heading in text for text in texts), heading


def _texts() -> Iterator[str]:
    """Every text constant of the package, with … where something is put in."""
    for path in sorted((ROOT / "imageserver").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"(%[sd])+", "…", node.value)


def test_files_of_the_data_folder_are_named_as_in_the_code() -> None:
    """The table of the data folder names files that the server really knows."""
    named = [name for row in rows(read("docs/operations.md"), "name") for name in re.findall(r"`([^`]+)`", row[0])]
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "imageserver").rglob("*.py"))
    beside = "journal.sqlite-"  # what stands beside the journal is named there by its ending
    assert {f"{beside}wal", f"{beside}snapshot"} <= set(named)
    endings = [re.sub(r"\d+$", "", name.removeprefix(beside)) for name in named if name.startswith(beside)]
    assert [ending for ending in endings if f'"{ending}' not in code] == []
    unknown = [name for name in named if f'"{name.rstrip("/")}"' not in code and not name.startswith(beside)]
    assert unknown == []


def test_every_threat_names_tests_that_there_are() -> None:
    """Each row of the threat model is held by tests, and pytest finds every one of them."""
    table = rows(read("docs/security.md"), "threat")
    assert len(table) > 25
    named = [re.findall(r"`(tests/[^`]+)`", row[2]) for row in table]
    assert all(named), [row[0] for row, tests in zip(table, named, strict=True) if not tests]
    ids = sorted({test for tests in named for test in tests})
    # pytest ends with code 4 and says which, when one of them is not there
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        *ids,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert found == set(ids)


def test_a_test_that_is_not_there_is_missed() -> None:
    """The control: pytest does not pass over a name that it does not find."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/test_lock.py::test_nothing",
    ]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode != 0
