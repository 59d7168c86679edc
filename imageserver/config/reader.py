"""options.yml, the environment and the command line become a Config. The only user of ruamel.yaml for options.

What counts, from the strongest to the weakest: the command line, options.yml, the environment, the default.
IMAGESERVER_PORT is stronger than PORT: who writes our name means us, while PORT may be another program's. Only a value
that would count is looked at, so a strange PORT does no harm beside a port in the options.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from attrs import define, field
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from imageserver.config.file import OptionsText, look
from imageserver.config.folders import default_certificates, default_images, default_log, default_plugins
from imageserver.config.frames import check_frames, read_frames
from imageserver.config.model import Config, Options, RawSettings
from imageserver.config.older import OLDER_KEYS, read_older
from imageserver.config.schema import Place, read_fields, read_value, schema_of
from imageserver.config.values import Items, Node, Pairs, Scalar, printable, shorten, shown
from imageserver.cron import next_fire
from imageserver.errors import ConfigError, Problem
from imageserver.panel.profiles import DEFAULT, profile_called

ENVIRONMENT: Mapping[str, tuple[str, ...]] = {  # the first that is not empty counts
    "host": ("IMAGESERVER_HOST",),
    "port": ("IMAGESERVER_PORT", "PORT"),
    "image_path": ("IMAGESERVER_IMAGE_PATH",),
    "plugins_dir": ("IMAGESERVER_PLUGINS_DIR",),
}
_DEEPEST = 20  # levels; ours are four
_MOST = 10_000  # values, aliases counted each time: a few lines of aliases can stand for billions
_KINDS: Mapping[str, Literal["text", "int", "float", "bool", "null"]] = {
    "str": "text",
    "timestamp": "text",
    "value": "text",
    "merge": "text",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "null": "null",
}


def load(data: Path, *, flags: Mapping[str, object], environment: Mapping[str, str], now: datetime) -> Config:
    """The configuration in the data folder `data`, as `read` gives it. ConfigError with every problem at once."""
    config, problems = read(data, flags=flags, environment=environment, now=now)
    if problems:
        raise ConfigError(problems)
    return config


def read(
    data: Path,
    *,
    flags: Mapping[str, object],
    environment: Mapping[str, str],
    now: datetime,
    instead: OptionsText | None = None,
) -> tuple[Config, list[Problem]]:
    """The configuration in the data folder `data` (absolute), and every problem in the order of the lines.

    With problems the configuration is good only for looking for more of them: what was refused has its default.
    Nothing is written, and nothing needs to exist. `flags` are the options of the command line by name (`host`,
    `port`; `data` only for the record), None when not given. An empty variable of the environment counts as not
    given. `now` is aware: a cron expression must have a date after it. `instead` is read in place of the file.
    """
    text, unreadable = look(data) if instead is None else (instead, [])
    file = text.name
    node, problems = parse(text.raw, file)
    problems += unreadable
    place = Place(file=file, line=1, folder=data)
    at_top, found = read_fields(Options, node, place, others={"providers", "extensions", "frames", *OLDER_KEYS})
    given, wrong_older = read_older(node, at_top, place)
    providers, wrong_providers = _section("providers", node, place)
    extensions, wrong_extensions = _section("extensions", node, place)
    frames, wrong_frames = read_frames(node, place)
    problems += found + wrong_older + wrong_providers + wrong_extensions + wrong_frames
    values: dict[str, Any] = {name: one.value for name, one in given.items()}
    origins = dict.fromkeys(schema_of(Options), "default")
    origins |= {name: f"{file}:{one.line}" for name, one in given.items()}
    origins["data"] = _origin_of_data(flags, environment)
    refused = _written(node) - {one.key for one in at_top.values()}
    problems += _from_outside(values, origins, refused, flags, environment)
    values.setdefault("image_path", default_images(data))
    values.setdefault("plugins_dir", default_plugins(data))
    panel = profile_called(str(values.get("panel", DEFAULT)))
    for name, size in (("image_width", panel.width), ("image_height", panel.height)):
        if size is not None and name not in values:
            values[name] = size
            if "panel" in values:
                origins[name] = origins["panel"]
    values.setdefault("cert_path", default_certificates(data))
    if origins["log_file"] == "default":
        values["log_file"] = default_log(data)
    origins |= {f"frames.{frame.name}": f"{file}:{frame.line}" for frame in frames}
    options = Options(**values)
    problems += check_frames(frames, options, place)
    if not refused & {"image_amount_min", "image_amount_max"}:
        problems += _check_amounts(options, origins)
    for name in ("check_pending_cron", "scan_image_cron"):
        problems += _check_cron(name, getattr(options, name), origins[name], now)
    config = Config(
        data=data,
        options=options,
        providers=providers,
        extensions=extensions,
        frames={frame.name: frame.options for frame in frames},
        origins=origins,
    )
    return config, sorted(problems, key=_line_of)


def _origin_of_data(flags: Mapping[str, object], environment: Mapping[str, str]) -> str:
    if flags.get("data"):
        return "--data"
    return "environment IMAGESERVER_DATA" if environment.get("IMAGESERVER_DATA") else "default"


def _line_of(problem: Problem) -> int:
    _, _, line = problem.where.rpartition(":")
    return int(line) if line.isdecimal() else 0


def _written(node: Node | None) -> set[str]:
    return {key.text for key, _ in node.pairs} if isinstance(node, Pairs) else set()


def _from_outside(
    values: dict[str, Any],
    origins: dict[str, str],
    refused: set[str],
    flags: Mapping[str, object],
    environment: Mapping[str, str],
) -> list[Problem]:
    """Put the flags over, and the environment under, what the file says. Gives what is wrong with them."""
    problems = []
    for name, attribute in schema_of(Options).items():
        flag = flags.get(name)
        variables = [variable for variable in ENVIRONMENT.get(name, ()) if environment.get(variable)]
        if flag is not None:
            text, where = str(flag), f"--{name}"
        elif variables and name not in values and name not in refused:
            text, where = environment[variables[0]], f"environment {variables[0]}"
        else:
            continue
        hint = typing.get_type_hints(Options)[name]
        is_number = hint is int and re.fullmatch(r"\s*[-+]?\d+\s*", text, re.ASCII)
        scalar = Scalar(text=text.strip(), kind="int" if is_number else "text", line=0)
        try:
            # Unlike in the file, a relative path is one from where the command was typed.
            values[name] = read_value(attribute, hint, scalar, Path.cwd())
            origins[name] = where
        except ValueError as error:
            problems.append(Problem(where, printable(str(error))))
    return problems


def _check_amounts(options: Options, origins: Mapping[str, str]) -> list[Problem]:
    low, high = options.image_amount_min, options.image_amount_max
    if low < high:
        return []
    low_origin, high_origin = origins["image_amount_min"], origins["image_amount_max"]
    if low_origin == "default":
        message = f"image_amount_max: expected more than image_amount_min ({low}, {low_origin}), got {high}"
        return [Problem(high_origin, message)]
    message = f"image_amount_min: expected less than image_amount_max ({high}, {high_origin}), got {low}"
    return [Problem(low_origin, message)]


def _check_cron(name: str, expression: str, origin: str, now: datetime) -> list[Problem]:
    try:
        if next_fire(expression, now) is not None:
            return []
        message = f'expected a cron expression that comes some day, got "{expression}"'
    except ValueError as error:
        message = str(error)
    return [Problem(origin, f"{name}: {printable(message)}")]


def _section(section: str, node: Node | None, place: Place) -> tuple[dict[str, RawSettings], list[Problem]]:
    """What stands under `providers:` or `extensions:`, by code, and what is wrong with the shape of it."""
    pairs = node.pairs if isinstance(node, Pairs) else ()
    found = next((value for key, value in pairs if key.text == section), None)
    if found is None or (isinstance(found, Scalar) and found.kind == "null"):
        return {}, []
    if not isinstance(found, Pairs):
        return {}, [place.problem(found.line, section, f"expected codes of {section} with a colon, got {shown(found)}")]
    settings: dict[str, RawSettings] = {}
    problems = []
    seen: dict[str, Scalar] = {}
    for key, value in found.pairs:
        name = f"{section}.{shorten(key.text)}"
        first = seen.setdefault(key.text.lower(), key)
        if first is not key:
            how = (
                "again" if first.text == key.text else f'beside "{shorten(first.text)}", from which only case tells it'
            )
            problems.append(place.problem(key.line, name, f"stands here {how}; the first is in line {first.line}"))
        elif not re.fullmatch(r"[A-Za-z0-9_-]+", key.text):
            problems.append(place.problem(key.line, name, 'a code has letters, digits, "_" and "-"'))
        elif isinstance(value, Pairs):
            settings[key.text] = RawSettings(code=key.text, file=place.file, line=key.line, node=value)
        elif isinstance(value, Scalar) and value.kind == "null":
            settings[key.text] = RawSettings(code=key.text, file=place.file, line=key.line, node=None)
        else:
            message = f"expected keys with values, or nothing, got {shown(value, secret=True)}"
            problems.append(place.problem(key.line, name, message))
    return settings, problems


def parse(raw: bytes, file: str) -> tuple[Node | None, list[Problem]]:
    """The tree of a YAML file, None when it is empty or broken, and what is wrong with it. `file` names it."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return None, [Problem(f"{file}:{line}", "is not in UTF-8: save the file in this encoding")]
    yaml = YAML(typ="rt")
    yaml.composer.warn_double_anchors = False  # YAML allows it, and a warning has no reader here
    try:
        root = yaml.compose(text)
    except (YAMLError, ValueError, OverflowError, RecursionError) as error:
        return None, [_syntax_problem(error, text, file)]
    if root is None or str(root.tag).endswith(":null"):
        return None, []
    tree = _Tree(file=file)
    return tree.grow(root, 0), tree.problems


def _syntax_problem(error: Exception, text: str, file: str) -> Problem:
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Problem(f"{file}:{line}", "has a control character in it, which YAML does not allow")
    if isinstance(error, RecursionError):
        return Problem(file, "is nested too deeply")
    if isinstance(error, MarkedYAMLError):
        return _marked_problem(error, text, file)
    return Problem(file, "is not valid YAML")  # such as the escape "\\UFFFFFFFF", which stands for no character


def _marked_problem(error: MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    number = mark.line + 1 if mark else 1
    # An alias could be half of a password, so its name is not repeated.
    what = "found an alias that stands for nothing" if "alias" in str(error.problem) else str(error.problem)
    if error.context and error.context_mark and error.context_mark.line + 1 != number:
        what = f"{error.context} that begins in line {error.context_mark.line + 1}: {what}"
    lines = text.splitlines()
    line = lines[number - 1] if number <= len(lines) else ""
    if re.search(r"[:\-]\s+\*", line):
        what += '; a value that begins with "*" needs quotes, like "* * * * *"'
    elif line.startswith("\t") or "'\\t'" in what:
        what += "; indent with spaces, not with tabs"
    elif re.search(r'"[A-Za-z]:\\', line):
        what += "; in double quotes a backslash is special: use single quotes"
    return Problem(f"{file}:{number}", f"is not valid YAML: {printable(what[:300])}")


@define(kw_only=True)
class _Tree:
    """Turns ruamel's nodes into ours, and notes what an options file has no use for."""

    file: str
    problems: list[Problem] = field(factory=list)
    left: int = _MOST

    def grow(self, node: Any, depth: int) -> Node | None:
        """None for what cannot be used; the problem is noted."""
        line = node.start_mark.line + 1
        self.left -= 1
        if self.left < 0 or depth > _DEEPEST:
            if not self.problems or "too large" not in self.problems[-1].message:
                self._note(line, f"is too large: at most {_MOST} values in {_DEEPEST} levels")
            return None
        tag = str(node.tag or "").removeprefix("tag:yaml.org,2002:")
        if isinstance(node, ScalarNode) and tag in _KINDS:
            return Scalar(text=node.value, kind=_KINDS[tag], quoted=node.style is not None, line=line)
        if isinstance(node, SequenceNode) and tag == "seq":
            items = [self.grow(item, depth + 1) for item in node.value]
            return Items(items=tuple(item for item in items if item is not None), line=line)
        if isinstance(node, MappingNode) and tag == "map":
            pairs = [self._pair(key, value, depth) for key, value in node.value]
            return Pairs(pairs=tuple(pair for pair in pairs if pair is not None), line=line)
        self._note(
            line, 'has a tag (a word that begins with "!") that means nothing here; a text like that needs quotes'
        )
        return None

    def _pair(self, key: Any, value: Any, depth: int) -> tuple[Scalar, Node] | None:
        line = key.start_mark.line + 1
        if not isinstance(key, ScalarNode):
            self._note(line, "expected a name as the key, got a list or a mapping")
            return None
        if str(key.tag).endswith(":merge"):
            self._note(line, '"<<" is not supported here; write the keys out')
            return None
        name, what = self.grow(key, depth + 1), self.grow(value, depth + 1)
        return (name, what) if isinstance(name, Scalar) and what is not None else None

    def _note(self, line: int, message: str) -> None:
        self.problems.append(Problem(f"{self.file}:{line}", message))
