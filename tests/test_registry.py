from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from live import brought

from imageserver.answers import Answers
from imageserver.config.model import Config, Options, RawSettings
from imageserver.plugin_sources import PluginSource
from imageserver.plugins import Loaded, PluginRecord, Plugins, PluginStatus
from imageserver.provider_host import Health
from imageserver.providers import ImageProvider, LibraryProvider
from imageserver.registry import Registry, Selection, select_providers
from imageserver.testing import FakeClock


@frozen(kw_only=True)
class NeedsKey:
    key: str


def kind(provider_code: str, *, needs_key: bool = False, library: bool = False) -> type[ImageProvider]:
    class Kind(LibraryProvider if library else ImageProvider):  # type: ignore[misc]  # chosen by the test
        code = provider_code
        settings_class = NeedsKey if needs_key else None

    return Kind


def there(*kinds: type[ImageProvider], built_in: set[str] = frozenset()) -> Plugins:  # type: ignore[assignment]  # never changed
    torn = PluginRecord(name="torn", version="", source="torn.py", status=PluginStatus.BROKEN, reason="it is torn")
    plugins = Plugins([brought(one, is_built_in=one.code in built_in) for one in kinds])
    plugins.loaded.append(Loaded(source=PluginSource(name="torn", place="torn.py", load=lambda: None), record=torn))
    return plugins


def config(*configured: str, disabled: tuple[str, ...] = ()) -> Config:
    return Config(
        data=Path("/nowhere"),
        options=Options(disabled_providers=disabled),
        providers={code: RawSettings(code=code, file="options.yml", line=7, node=None) for code in configured},
        origins={},
    )


def roles(selection: Selection) -> dict[str, str]:
    return {enabled.kind.code: enabled.role for enabled in selection.enabled}


FOLDER, ATELIER = kind("folder", library=True), kind("atelier")
BUILT_IN = {"folder", "atelier"}


@pytest.mark.parametrize(
    ("strangers", "configured", "disabled", "expected"),
    [
        ((), (), (), {"atelier": "chosen"}),
        ((), ("folder",), (), {"folder": "chosen", "atelier": "last_resort"}),
        ((), ("folder", "atelier"), (), {"folder": "chosen", "atelier": "chosen"}),
        (("mine",), (), (), {"mine": "chosen", "atelier": "last_resort"}),
        (("mine",), (), ("mine",), {"atelier": "chosen"}),
        (("mine",), ("mine",), ("atelier",), {"mine": "chosen"}),
        ((), (), ("atelier",), {}),
    ],
)
def test_who_serves_in_which_role(
    strangers: tuple[str, ...], configured: tuple[str, ...], disabled: tuple[str, ...], expected: dict[str, str]
) -> None:
    """Built-in providers serve when configured, a stranger's when it is there, the atelier always, at the end if
    there is any other."""
    plugins = there(FOLDER, ATELIER, *map(kind, strangers), built_in=BUILT_IN)
    selection = select_providers(plugins, config(*configured, disabled=disabled))
    assert roles(selection) == expected
    assert selection.problems == ()
    assert set(selection.off) | set(expected) == set(plugins.providers)
    assert all(selection.off.values())


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("atelir", "did you mean atelier?"),
        ("torn", "its plugin is broken: it is torn"),
        ("xyz", "there are: atelier, folder"),
    ],
)
def test_an_unknown_provider_is_a_problem(asked: str, hint: str) -> None:
    """A code that is not there is a problem with its line and a hint, under providers and disabled_providers."""
    plugins = there(FOLDER, ATELIER, built_in=BUILT_IN)
    (problem,) = select_providers(plugins, config(asked)).problems
    assert str(problem).startswith("options.yml:7: providers: ")
    assert hint in str(problem)
    (problem,) = select_providers(plugins, config(disabled=(asked,))).problems
    assert "disabled_providers" in str(problem)
    assert hint in str(problem)


def test_missing_settings() -> None:
    """A stranger's provider without its settings is off with the reason; once it is named, that is a problem."""
    plugins = there(kind("mine", needs_key=True))
    selection = select_providers(plugins, config())
    assert "key" in selection.off["mine"]
    assert selection.problems == ()
    assert select_providers(plugins, config("mine")).problems


async def test_a_bad_provider_leaves_the_others(tmp_path: Path) -> None:
    """The registry opens every provider; one that cannot be built is broken, no library, and closes like the rest."""

    class Broken(LibraryProvider):
        code = "broken"

        def __init__(self, context: Any) -> None:
            raise ValueError("no")

    plugins = there(kind("fine"), kind("shelf", library=True), Broken)
    registry = Registry(
        plugins,
        select_providers(plugins, config()),
        data=tmp_path,
        answers=Answers(tmp_path / "answers"),
        clock=FakeClock(),
        rng=random.Random(1),
    )
    await registry.open()
    assert {state.code: state.health for state in registry.states()} == {
        "fine": Health.READY,
        "shelf": Health.READY,
        "broken": Health.BROKEN,
    }
    assert list(registry.libraries()) == ["shelf"]
    await registry.check_readiness()
    await registry.close()
