from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from imageserver.config.model import Config, Options
from imageserver.config.reader import load, read
from imageserver.errors import ConfigError

NOW = datetime(2026, 5, 5, 12, tzinfo=UTC)


def _load(
    data: Path,
    text: str | bytes | None = None,
    *,
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Config:
    if text is not None:
        (data / "options.yml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(data, flags=flags or {}, environment=environment or {}, now=NOW)


def _problems(data: Path, text: str | bytes, environment: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _load(data, text, environment=environment)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("text", [None, "", "# nothing\n", "---\n", "\ufeff", "providers:\n"])
def test_nothing_said_is_all_defaults(tmp_path: Path, text: str | None) -> None:
    """An absent or empty file gives every default, and reading leaves the folder as it was."""
    before = sorted(tmp_path.iterdir())
    config = _load(tmp_path, text)
    assert config.options.port == 8099
    assert tmp_path / "images" == config.options.image_path
    assert {"default"} == set(config.origins.values())
    assert {one.name for one in attrs.fields(Options)} <= set(config.origins)
    assert config.providers == {}
    assert text is not None or before == sorted(tmp_path.iterdir())


def test_a_data_folder_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    """Reading the options of a folder that is not there gives defaults and makes nothing."""
    config = _load(tmp_path / "new" / "data")
    assert tmp_path / "new" / "images" == config.options.image_path
    assert list(tmp_path.iterdir()) == []


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    """Every problem of a file is reported together, in the order of its lines."""
    text = """\
image_amount_min: ten
image_hight: 3
refresh: "300"
log_level: debg
quality: 0
scan_image_cron: 0 0 31 2 *
providers:
  folder: 1
"""
    expected = [
        'options.yml:1: image_amount_min: expected a whole number, got "ten"',
        'options.yml:2: image_hight: no such key; did you mean "image_height"?',
        'options.yml:3: refresh: expected a whole number, got "300": write 300 without quotes',
        'options.yml:4: log_level: expected one of DEBUG, INFO, WARNING, ERROR, got "debg": did you mean "DEBUG"?',
        "options.yml:5: quality: expected a number from 1 to 100, got 0",
        'options.yml:6: scan_image_cron: expected a cron expression that comes some day, got "0 0 31 2 *"',
        "options.yml:8: providers.folder: expected keys with values, or nothing, got a number",
    ]
    assert expected == _problems(tmp_path, text)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("workers: true", "workers: expected a whole number, got true"),
        ("workers: 2.0", "workers: expected a whole number, got 2.0"),
        ("workers: on", 'workers: expected a whole number, got "on"'),
        ("workers: 010", "workers: expected a whole number, got 010: YAML versions differ on a leading zero; write 10"),
        ("workers: [2]", "workers: expected a whole number, got a list"),
        ("workers: {a: 2}", "workers: expected a whole number, got a mapping"),
        ("workers:", "workers: expected a whole number, got nothing"),
        ("workers: !!int x", "workers: expected a whole number, got x"),
        ("port: 70000", "port: expected a number from 0 to 65535, got 70000"),
        ("fit_threshold: .nan", "fit_threshold: expected a number, got .nan"),
        ("fit_threshold: .inf", "fit_threshold: expected a number, got .inf"),
        ("fit_threshold: 1e999", "fit_threshold: expected a number, got 1e999"),
        ("fit_threshold: 0,03", 'fit_threshold: expected a number, got "0,03": write 0.03 with a point'),
        ("host: 10", 'host: expected a text, got 10: put it in quotes: "10"'),
        ("image_path: ''", 'image_path: expected a path, got ""'),
        ("image_path: ~", "image_path: expected a path, got nothing: YAML takes a lone ~ for nothing"),
        ('image_path: "a\\0b"', "image_path: expected a text without control characters"),
        ("image_path: ~nobody-of-this-name/x", "there is no such user"),
        ("fit_mode: crap", 'fit_mode: expected one of smart, crop, pad, blur-pad, got "crap": did you mean "crop"?'),
        ("disabled_providers: [a b]", '"a b" is no provider code'),
        ("disabled_providers: [1]", 'expected a text, got 1: put it in quotes: "1"'),
        ('disabled_providers: ["\\e[31m"]', r'"\x1b[31m" is no provider code'),
        ("scan_image_cron: 0 0 0 * * *", "five fields"),
        ("scan_image_cron: 0 25 * * *", '"25" is no hour'),
        ("Image_Height: 5", 'no such key; did you mean "image_height"?'),
        ("image-height: 5", 'no such key; did you mean "image_height"?'),
        ("image_wieght: 5", 'no such key; did you mean "image_weight"?'),
        ("provider: {}", 'no such key; did you mean "providers"?'),
        ("colour: red", "colour: no such key"),
        ("providers: [folder]", "providers: expected codes of providers with a colon, got a list"),
        ("providers: {'a b': }", 'a code has letters, digits, "_" and "-"'),
        ("[a]: 1", "expected a name as the key"),
        ("'\\e[31m': 1", "no such key"),
    ],
)
def test_one_bad_line(tmp_path: Path, line: str, expected: str) -> None:
    """A line that is wrong is named with its number, what was expected and what stands there."""
    (problem,) = _problems(tmp_path, f"# first\n{line}\n")
    assert problem.startswith("options.yml:2: ")
    assert expected in problem


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("a: [1\nb: 2\n", "options.yml:2", "not valid YAML"),
        ("\tport: 1\n", "options.yml:1", "spaces"),
        ("port: 1\ncheck_pending_cron: * * * * *\n", "options.yml:2", "needs quotes"),
        ("port: 1\nscan_image_cron: */5 * * * *\n", "options.yml:2", "needs quotes"),
        ('image_path: "C:\\pictures"\n', "options.yml:1", "single quotes"),
        ("port: 1\nport: 1\n", "options.yml:2", "again"),
        ("port: 1\nworkers: !twice 1\n", "options.yml:2", "tag"),
        ("port: 1\nimage_path: *hunter2\n", "options.yml:2", "alias"),
        ("- 1\n", "options.yml:1", "expected keys with values, got a list"),
        ("picture\n", "options.yml:1", "expected keys with values, got a text"),
        ("port: 1\n---\nport: 2\n", "options.yml:2", "document"),
        (b"port: 1\nhost: \xff\n", "options.yml:2", "UTF-8"),
        ("port: 1\n".encode("utf-16"), "options.yml:1", "UTF-8"),
        ("port: 1\nhost: a\x07\n", "options.yml:2", "control character"),
        ('host: "\\UFFFFFFFF"\n', "options.yml", "not valid YAML"),
        ("{" * 5000, "options.yml", "nested too deeply"),
        ("a: &a\n  - *a\n", "options.yml:1", "too large"),
        ("<<: {port: 1}\n", "options.yml:1", "not supported"),
    ],
)
def test_what_yaml_itself_refuses(tmp_path: Path, text: str | bytes, where: str, says: str) -> None:
    """Broken YAML, and YAML that an options file has no use for, is a problem with its line."""
    problem = next(one for one in _problems(tmp_path, text) if says in one)
    assert problem.startswith(f"{where}: ")
    assert "hunter2" not in problem


def test_aliases_do_not_multiply(tmp_path: Path) -> None:
    """A few lines of aliases that stand for billions of values are refused at once."""
    lines = ["a0: &a0 [1, 1]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 19))]
    assert any("too large" in problem for problem in _problems(tmp_path, "\n".join(lines)))


def test_windows_editors_are_welcome(tmp_path: Path) -> None:
    """A byte order mark and CRLF line ends change nothing, and lines are still counted right."""
    assert _load(tmp_path, "\ufeffport: 7\r\nhost: localhost\r\n").options.port == 7
    (problem,) = _problems(tmp_path, "\ufeffport: 7\r\n\r\nhots: x\r\n")
    assert problem.startswith("options.yml:3: hots")


def test_values_are_converted(tmp_path: Path) -> None:
    """Case of a choice, whole numbers for floats, lists, one text for a list, and paths are understood."""
    text = """\
log_level: debug
image_generate_threshold: 0
disabled_providers: atelier
image_path: ../pictures
plugins_dir: ~/plugins
queue_size: 1_000
"""
    options = _load(tmp_path, text).options
    assert options.log_level == "DEBUG"
    assert (0.0, float) == (options.image_generate_threshold, type(options.image_generate_threshold))
    assert options.disabled_providers == ("atelier",)
    assert tmp_path.parent / "pictures" == options.image_path
    assert Path.home() / "plugins" == options.plugins_dir
    assert options.queue_size == 1000
    assert _load(tmp_path, "disabled_providers:\n  # - atelier\n").options.disabled_providers == ()


def test_the_old_name_of_the_width(tmp_path: Path) -> None:
    """image_weight is image_width; both together are fine only with one value."""
    config = _load(tmp_path, "image_weight: 800\n")
    assert (config.options.image_width, config.origins["image_width"]) == (800, "options.yml:1")
    assert _load(tmp_path, "image_weight: 800\nimage_width: 800\n").options.image_width == 800
    (problem,) = _problems(tmp_path, "image_weight: 800\nimage_width: 801\n")
    assert "options.yml:2: image_width: is the same option as image_weight in line 1" in problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "image_amount_max: 5\nimage_amount_min: 5\n",
            "options.yml:2: image_amount_min: expected less than image_amount_max (5, options.yml:1), got 5",
        ),
        (
            "image_amount_max: 500\n",
            "options.yml:1: image_amount_max: expected more than image_amount_min (1000, default), got 500",
        ),
        (
            "image_amount_min: 2000\n",
            "options.yml:1: image_amount_min: expected less than image_amount_max (2000, default), got 2000",
        ),
    ],
)
def test_the_amounts_must_leave_room(tmp_path: Path, text: str, expected: str) -> None:
    """A minimum that is not below the maximum is a problem that names both places."""
    assert [expected] == _problems(tmp_path, text)


def test_providers_keep_their_lines(tmp_path: Path) -> None:
    """Each provider keeps its own keys for later, unread, with the line where it stands."""
    providers = _load(tmp_path, "providers:\n  atelier:\n  folder:\n    local_image_folder: /x\n").providers
    assert {code: raw.line for code, raw in providers.items()} == {"atelier": 2, "folder": 3}
    assert providers["atelier"].node is None
    assert "/x" not in repr(providers)


@pytest.mark.parametrize("second", ["folder", "Folder"])
def test_a_provider_stands_once(tmp_path: Path, second: str) -> None:
    """A code that stands twice, or differs from another only in case, is a problem."""
    (problem,) = _problems(tmp_path, f"providers:\n  folder:\n  {second}:\n")
    assert problem.startswith(f"options.yml:3: providers.{second}: stands here")


def test_the_other_file_name(tmp_path: Path) -> None:
    """options.yaml is read where there is no options.yml; both together are a problem."""
    (tmp_path / "options.yaml").write_text("port: 7\n")
    config = _load(tmp_path)
    assert (config.options.port, config.origins["port"]) == (7, "options.yaml:1")
    assert _problems(tmp_path, "port: 8\n") == ["options.yaml: stands beside options.yml: keep one of them"]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A folder or a dangling link in the place of the file is a problem, not a reason for defaults."""
    (tmp_path / "options.yml").mkdir()
    (tmp_path / "options.yaml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path)
    assert [problem.where for problem in caught.value.problems] == ["options.yml", "options.yaml"]


def test_who_wins(tmp_path: Path) -> None:
    """The command line beats the file, the file beats the environment, the environment beats the default."""
    environment = {"PORT": "1", "IMAGESERVER_HOST": "h", "IMAGESERVER_PLUGINS_DIR": "/p", "IMAGESERVER_IMAGE_PATH": "i"}
    config = _load(tmp_path, environment=environment)
    assert (config.options.port, config.origins["port"]) == (1, "environment PORT")
    assert ("h", Path("/p")) == (config.options.host, config.options.plugins_dir)
    assert Path.cwd() / "i" == config.options.image_path
    assert config.is_given("image_path")
    both = _load(tmp_path, environment=environment | {"IMAGESERVER_PORT": "2"})
    assert (both.options.port, both.origins["port"]) == (2, "environment IMAGESERVER_PORT")
    config = _load(tmp_path, "port: 3\n", environment=environment)
    assert (config.options.port, config.origins["port"]) == (3, "options.yml:1")
    config = _load(tmp_path, flags={"port": 4, "host": None}, environment=environment)
    assert (config.options.port, config.origins["port"]) == (4, "--port")
    assert config.origins["host"] == "environment IMAGESERVER_HOST"


def test_an_empty_variable_is_not_given(tmp_path: Path) -> None:
    """An empty variable counts as absent, and leaves the weaker one its say."""
    config = _load(tmp_path, environment={"IMAGESERVER_PORT": "", "PORT": "5", "IMAGESERVER_HOST": ""})
    assert (config.options.port, config.origins["host"]) == (5, "default")


def test_a_bad_variable_or_flag(tmp_path: Path) -> None:
    """A bad value from outside the file is a problem that names where it comes from, when it would count."""
    problems = _problems(tmp_path, "workers: x\n", environment={"PORT": "tcp://10.0.0.1:80"})
    assert problems[:1] == ['environment PORT: expected a whole number, got "tcp://10.0.0.1:80"']
    assert len(problems) == 2
    assert _load(tmp_path, "port: 9\n", environment={"PORT": "tcp://10.0.0.1:80"}).options.port == 9
    with pytest.raises(ConfigError, match="--port: expected a number from 0 to 65535, got 65536"):
        _load(tmp_path, flags={"port": 65536})


def test_what_is_good_survives_a_bad_neighbour(tmp_path: Path) -> None:
    """Beside the problems there is a configuration with everything else, so that folders can be checked as well."""
    (tmp_path / "options.yml").write_text("workers: x\nimage_path: /pictures\nproviders:\n  folder:\n")
    config, problems = read(tmp_path, flags={}, environment={}, now=NOW)
    assert [problem.where for problem in problems] == ["options.yml:1"]
    usual = {name: getattr(config.options, name) for name in ("plugins_dir", "cert_path", "log_file")}
    assert config.options == Options(image_path=Path("/pictures"), **usual)
    assert config.options.cert_path == tmp_path / "certs"
    assert config.options.log_file == tmp_path / "log" / "app.log"
    assert list(config.providers) == ["folder"]
