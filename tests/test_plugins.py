"""A zoo of plugins: each bad one is named with its reason, and none keeps the good ones out."""

from __future__ import annotations

import asyncio
import builtins
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from loop_time import let_hours_pass

from imageserver.plugin_sources import BUILT_IN
from imageserver.plugins import PluginRecord, PluginStatus, load_plugins, log_broken

GOOD = """
from imageserver import GeneratedImage, ImageProvider, hookimpl
__version__ = "1.2"
class Good(ImageProvider):
    code = "CODE"
@hookimpl
def imageserver_register_providers(register):
    register(Good)
"""


def good(code: str) -> str:
    return GOOD.replace("CODE", code)


@pytest.fixture(autouse=True)
def modules_are_forgotten() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("imageserver_plugin_"):
            del sys.modules[name]


async def loaded(folder: Path, **files: str) -> dict[str, PluginRecord]:
    """What became of these files, each loaded beside a good plugin that comes last."""
    for name, text in {**files, "zz_good": good("good")}.items():
        (folder / f"{name}.py").write_text(dedent(text))
    plugins = await load_plugins(folder, built_in=())
    log_broken(plugins)
    records = {record.name: record for record in plugins.records}
    assert records["zz_good"].status is PluginStatus.LOADED, records["zz_good"].reason
    assert plugins.providers["good"].code == "good"
    return records


def has_compiled_files(folder: Path) -> bool:
    return any(path.suffix == ".pyc" for path in folder.rglob("*"))


async def test_a_good_plugin_is_loaded(tmp_path: Path) -> None:
    """A good plugin has its version, its place and its codes, and leaves no compiled file in the owner's folder."""
    record = (await loaded(tmp_path))["zz_good"]
    assert (record.version, record.codes, record.reason) == ("1.2", ("good",), "")
    assert record.source == str(tmp_path / "zz_good.py")
    assert not has_compiled_files(tmp_path)


ZOO = [
    ("raises at import", "import os\n1/0", r"ZeroDivisionError: division by zero \(bad.py:2\)"),
    ("is no Python", "def (", r"SyntaxError: .* \(bad.py, line 1\)$"),
    ("misses a module", "import no_such_module_anywhere", "No module named"),
    ("misleads the library", "import json\n\njson.loads('{')", r"JSONDecodeError: .* \(bad.py:3\)$"),
    ("leaves at import", "import sys\nsys.exit(3)", "SystemExit: 3"),
    ("stops iterating at import", "next(iter([]))", "StopIteration"),
    ("times out by itself", "raise TimeoutError('no net')", "TimeoutError: no net"),
    (
        "misspells the hook",
        "from imageserver import hookimpl\n@hookimpl\ndef imageserver_register_provider(register): ...",
        "no hook called imageserver_register_provider; did you mean imageserver_register_providers",
    ),
    (
        "misspells the argument",
        "from imageserver import hookimpl\n@hookimpl\ndef imageserver_register_providers(registre): ...",
        "registre",
    ),
    (
        "raises in the hook",
        "from imageserver import hookimpl\n@hookimpl\ndef imageserver_register_providers(register): {}['key']",
        "KeyError: 'key'",
    ),
    (
        "leaves in the hook",
        "import sys\nfrom imageserver import hookimpl\n@hookimpl\n"
        "def imageserver_register_providers(register): sys.exit()",
        "SystemExit",
    ),
    ("registers rubbish", good("x").replace("register(Good)", "register(42)"), "42, which is no class"),
    ("registers an object", good("x").replace("register(Good)", "register(Good(None))"), "which is no class"),
    ("has no code", good("x").replace('code = "x"', "pass"), r"Good.code is None"),
    ("has a bad code", good("../x"), r"'../x': it must be 1 to 40 lower case"),
    ("has a code with a line end", good("x\\n"), "it must be 1 to 40 lower case"),
    ("takes the store's code", good("store"), '"store" is taken already'),
    ("takes two", good("x").replace("register(Good)", "register(Good); register(Good)"), "two providers with one code"),
]


@pytest.mark.parametrize(("text", "reason"), [case[1:] for case in ZOO], ids=[case[0] for case in ZOO])
async def test_a_bad_plugin_is_named_with_its_reason(
    text: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each animal of the zoo is left out, with its reason in the record and in the log."""
    records = await loaded(tmp_path, bad=text)
    bad = records["bad"]
    assert bad.status is PluginStatus.BROKEN
    assert bad.codes == ()
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(bad.reason)
    assert "plugin bad" in caplog.text


async def test_a_code_is_taken_once(tmp_path: Path) -> None:
    """The second plugin with the same code is left out, and so is one with the name of a built-in plugin."""
    records = await loaded(tmp_path, a=good("same"), b=good("same"))
    assert records["a"].status is PluginStatus.LOADED
    assert "taken already" in records["b"].reason
    (tmp_path / "folder.py").write_text(good("mine"))
    plugins = await load_plugins(tmp_path)
    assert [
        (record.status, "another name" in record.advice) for record in plugins.records if record.name == "folder"
    ] == [
        (PluginStatus.LOADED, False),
        (PluginStatus.BROKEN, True),
    ]
    assert "folder" in plugins.providers
    assert plugins.built_in == {module.rpartition(".")[2] for module in BUILT_IN}


async def test_reason_and_remedy_are_two_sentences(tmp_path: Path) -> None:
    """What the owner reads ends each thought properly, and names one remedy."""
    misspelt = "from imageserver import hookimpl\n@hookimpl\ndef imageserver_register_listener(register): ..."
    records = await loaded(tmp_path, misspelt=misspelt, store=good("store"), torn="1/0")
    advice = {name: record.advice for name, record in records.items()}
    assert advice == {
        "misspelt": "there is no hook called imageserver_register_listener; did you mean "
        "imageserver_register_listeners? Correct or remove the file and say `imageserver plugins reload`",
        "store": 'the code "store" is taken already. Choose another code for this one, or remove one of the two, '
        "and say `imageserver plugins reload`",
        "torn": "ZeroDivisionError: division by zero (torn.py:1). Correct or remove the file and say "
        "`imageserver plugins reload`",
        "zz_good": "",
    }


EAR = """
from imageserver import PictureListener, hookimpl
class Ear(PictureListener):
    code = "CODE"
@hookimpl
def imageserver_register_listeners(register):
    register(Ear)
"""


@pytest.mark.parametrize("text", [GOOD, EAR], ids=["provider", "extension"])
async def test_a_newcomer_takes_no_code_from_one_that_serves(text: str, tmp_path: Path) -> None:
    """Whatever its name, it is refused while the other one is there; a fresh start goes by the order of names."""
    (tmp_path / "middle.py").write_text(text.replace("CODE", "same"))
    first = await load_plugins(tmp_path, built_in=())
    for name in ("a_first", "z_last"):
        (tmp_path / f"{name}.py").write_text(text.replace("CODE", "same") + "# a copy\n")
    second = await load_plugins(tmp_path, built_in=(), before=first)
    third = await load_plugins(tmp_path, built_in=(), before=second)
    for plugins in (second, third):
        assert [(record.name, "taken already" in record.reason) for record in plugins.records] == [
            ("a_first", True),
            ("middle", False),
            ("z_last", True),
        ]
        assert (plugins.providers, plugins.extensions) == (first.providers, first.extensions)
    fresh = await load_plugins(tmp_path, built_in=())
    assert [record.name for record in fresh.records if record.status is PluginStatus.LOADED] == ["a_first"]
    (tmp_path / "middle.py").unlink()
    after = await load_plugins(tmp_path, built_in=(), before=third)
    assert [record.name for record in after.records if record.status is PluginStatus.LOADED] == ["a_first"]


async def test_a_newcomer_takes_no_name_from_one_that_serves(tmp_path: Path) -> None:
    """A folder with the name of a file that serves is refused, though it would come first at a fresh start."""
    (tmp_path / "same.py").write_text(good("file"))
    first = await load_plugins(tmp_path, built_in=())
    (tmp_path / "same").mkdir()
    (tmp_path / "same" / "__init__.py").write_text(good("folder"))
    second = await load_plugins(tmp_path, built_in=(), before=first)
    assert [(record.source, record.codes) for record in second.records] == [
        (str(tmp_path / "same"), ()),
        (str(tmp_path / "same.py"), ("file",)),
    ]
    assert list((await load_plugins(tmp_path, built_in=())).providers) == ["folder"]


async def test_a_changed_plugin_takes_no_code_from_an_unchanged_one(tmp_path: Path) -> None:
    """It serves on as it was, and says why; a code that its owner moved from one file to another moves."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(good(name))
    first = await load_plugins(tmp_path, built_in=())
    (tmp_path / "a.py").write_text(good("b") + "# changed\n")
    second = await load_plugins(tmp_path, built_in=(), before=first)
    assert second.providers == first.providers
    assert 'serves as it was before the last change, which is broken: the code "b"' in second.records[0].reason
    (tmp_path / "b.py").write_text(good("c") + "# changed\n")
    third = await load_plugins(tmp_path, built_in=(), before=second)
    assert [record.codes for record in third.records] == [("b",), ("c",)]


async def test_a_code_is_taken_once_also_among_changed_plugins(tmp_path: Path) -> None:
    """One that becomes broken just when another takes its code does not serve beside it."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(good(name))
    first = await load_plugins(tmp_path, built_in=())
    (tmp_path / "a.py").write_text(good("b") + "# changed\n")
    (tmp_path / "b.py").write_text("1/0\n")
    second = await load_plugins(tmp_path, built_in=(), before=first)
    assert [(record.status, record.codes) for record in second.records] == [
        (PluginStatus.LOADED, ("b",)),
        (PluginStatus.BROKEN, ()),
    ]


@pytest.mark.parametrize("names", [("a-b", "a_b"), ("a.b", "a-b"), ("a.b", "a%2eb")])
async def test_alike_names_share_nothing(names: tuple[str, str], tmp_path: Path) -> None:
    """Each folder's relative imports reach its own files, those at the top and those in a call."""
    text = good("x").replace('"x"', "CODE\n    def late(self):\n        from .late import WORD\n        return WORD")
    for number, name in enumerate(names):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text(f"from .part import CODE\n{text}")
        (folder / "part.py").write_text(f"CODE = 'code{number}'")
        (folder / "late.py").write_text(f"WORD = 'late{number}'")
    plugins = await load_plugins(tmp_path, built_in=())
    said = {code: kind.late(None) for code, kind in plugins.providers.items()}  # type: ignore[attr-defined]  # written above
    assert said == {"code0": "late0", "code1": "late1"}


async def test_a_plugin_that_hangs_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that never comes back from its import, or from its hook, costs its deadline; the next is loaded."""
    release, hanging = threading.Event(), threading.Semaphore(0)

    def hang() -> None:
        hanging.release()
        release.wait(60)

    monkeypatch.setattr(builtins, "zoo_hang", hang, raising=False)
    hook = good("x").replace("register(Good)", "zoo_hang()")
    loading = asyncio.ensure_future(loaded(tmp_path, at_import="zoo_hang()", in_hook=hook))
    for _ in range(2):
        assert await asyncio.to_thread(hanging.acquire, timeout=30)
        let_hours_pass(monkeypatch)  # for those that hang only: the others have their whole time, on any machine
    records = await loading
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith(("loading", "asking")):
            await asyncio.get_running_loop().run_in_executor(None, thread.join)
    assert [records[name].reason for name in ("at_import", "in_hook")] == ["it did not come back within 20 s"] * 2


async def test_packages_count_and_some_names_do_not(tmp_path: Path) -> None:
    """A package is loaded with its parts; names with "_" or ".", examples/ and other files are not."""
    for name in ("package", "examples", "_off", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "package" / "part.py").write_text('CODE = "packed"')
    (tmp_path / "package" / "__init__.py").write_text(good("x").replace('"x"', "CODE") + "\n")
    text = (tmp_path / "package" / "__init__.py").read_text()
    (tmp_path / "package" / "__init__.py").write_text("from .part import CODE\n" + text)
    for off in ("examples/__init__.py", "_off/__init__.py", "_draft.py", ".hidden.py", "notes.txt", "data/a.py"):
        (tmp_path / off).write_text("raise AssertionError('loaded')")
    records = await loaded(tmp_path)
    assert sorted(records) == ["package", "zz_good"]
    assert records["package"].codes == ("packed",)
    assert not has_compiled_files(tmp_path)


async def test_no_folder_no_plugins(tmp_path: Path) -> None:
    """Without a folder only the built-in plugins are there, and all of them are."""
    plugins = await load_plugins(tmp_path / "missing")
    assert [(record.name, record.source, record.reason) for record in plugins.records] == [
        (module.rpartition(".")[2], "built in", "") for module in BUILT_IN
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("slots = '2'", "Good.slots is '2', which should be of the kind int above 0"),
        ("slots = 0", "Good.slots is 0"),
        ("deadline = None", "Good.deadline is None, which should be of the kind float above 0"),
        ("default_price = 0.5", "Good.default_price is 0.5, which should be of the kind Decimal"),
        ("other_codes = None", "Good.other_codes is None, which should be of the kind tuple"),
    ],
)
async def test_attributes_that_the_server_counts_with(tmp_path: Path, line: str, reason: str) -> None:
    """A class attribute of the wrong kind is named at loading, before anything is built on it."""
    records = await loaded(tmp_path, bad=good("x").replace('code = "x"', f'code = "x"\n    {line}'))
    assert records["bad"].status is PluginStatus.BROKEN
    assert reason in records["bad"].reason
