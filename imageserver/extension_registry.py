"""Which extensions serve, with which settings; and what they do to prompts, to pictures, and when one is ready."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from imageserver.clock import Clock
from imageserver.config.model import Config
from imageserver.config.settings import read_settings
from imageserver.config.values import did_you_mean
from imageserver.errors import Problem
from imageserver.extension_host import ExtensionHost, ExtensionState, Skipped
from imageserver.extensions import (
    Extension,
    PictureFacts,
    PictureListener,
    PictureReady,
    PictureTransform,
    PromptTransform,
    PromptWish,
)
from imageserver.journal import Picture
from imageserver.pictures.renditions import Drawing
from imageserver.plugin_context import PluginContext
from imageserver.plugins import Plugins
from imageserver.target import Target

if TYPE_CHECKING:
    from PIL.Image import Image

ALWAYS_ON = {"wording"}  # acts on what the owner wrote under a provider, and on nothing else
_KINDS: dict[type[Extension], str] = {
    PromptTransform: "prompt transform",
    PictureTransform: "picture transform",
    PictureListener: "listener",
}
_MOST_UNTOLD = 100  # pictures that wait for one listener

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class EnabledExtension:
    """An extension that is to serve."""

    kind: type[Extension]
    settings: object = field(repr=False)  # may hold a key


@frozen(kw_only=True)
class ExtensionSelection:
    """What the options make of the extensions that there are."""

    enabled: tuple[EnabledExtension, ...] = ()
    off: Mapping[str, str] = field(factory=dict)  # code → why it does not serve
    problems: tuple[Problem, ...] = ()


def select_extensions(plugins: Plugins, config: Config) -> ExtensionSelection:
    """Read the settings of every extension that the owner named, or dropped in and that needs none."""
    there = plugins.extensions
    problems = [
        Problem(f"{raw.file}:{raw.line}", f"extensions: there is no extension called {code}{did_you_mean(code, there)}")
        for code, raw in config.extensions.items()
        if code not in there
    ]
    enabled, off = [], {}
    for code, kind in there.items():
        raw = config.extensions.get(code)
        if raw is None and code in plugins.built_in and code not in ALWAYS_ON:
            off[code] = f"not configured: write extensions: {{{code}: …}} into options.yml"
            continue
        settings, found = read_settings(raw, kind.settings_class, code=code, data=config.data, section="extensions")
        if found and raw is None:
            off[code] = f"it needs settings: {'; '.join(problem.message for problem in found)}"
            continue
        problems += found
        if not found:
            enabled.append(EnabledExtension(kind=kind, settings=settings))
    return ExtensionSelection(enabled=tuple(enabled), off=off, problems=tuple(problems))


def kind_of(kind: type[Extension]) -> str:
    """What an extension does, in words."""
    return next(name for base, name in _KINDS.items() if issubclass(kind, base))


def picture_facts(picture: Picture, target: Target) -> PictureFacts:
    """What picture transforms are told of a picture that is to be shown on `target`."""
    return PictureFacts(
        id=picture.id,
        provider=picture.provider,
        prompt=picture.prompt,
        model=picture.model,
        created=picture.first_seen,
        details=picture.details,
        width=target.width,
        height=target.height,
    )


@define(eq=False)
class _Line:
    """One listener, and the pictures that it has not been told of yet."""

    host: ExtensionHost[PictureListener]
    waiting: asyncio.Queue[PictureReady] = field(factory=lambda: asyncio.Queue(_MOST_UNTOLD))
    task: asyncio.Task[None] | None = None

    def add(self, ready: PictureReady) -> None:
        try:
            self.waiting.put_nowait(ready)
        except asyncio.QueueFull:
            _log.warning("extension %s is not told of picture %d: too many wait for it", self.host.code, ready.id)

    async def run(self) -> None:
        while True:
            ready = await self.waiting.get()
            with suppress(Skipped):
                await self.host.ask(partial(_told, ready=ready))


class Extensions:
    """The extensions that serve, each in its host."""

    def __init__(
        self, *, data: Path, clock: Clock, rng: random.Random, log: Callable[[str], logging.Logger] = logging.getLogger
    ) -> None:
        self.off: Mapping[str, str] = {}
        self._data, self._clock, self._rng, self._log = data, clock, rng, log
        self._serving: dict[str, tuple[EnabledExtension, ExtensionHost[Any]]] = {}
        self._lines: dict[str, _Line] = {}

    async def take_over(self, selection: ExtensionSelection) -> list[str]:
        """Serve with these from now on; those that are the same go on untouched. Returns the codes that are new."""
        self.off = selection.off
        wanted = {enabled.kind.code: enabled for enabled in selection.enabled}
        gone = [host for code, (enabled, host) in self._serving.items() if wanted.get(code) != enabled]
        kept = {code: one for code, one in self._serving.items() if wanted.get(code) == one[0]}
        fresh = {code: (enabled, self._host(enabled)) for code, enabled in wanted.items() if code not in kept}
        await asyncio.gather(*(host.open() for _, host in fresh.values()))
        self._serving = {code: kept.get(code) or fresh[code] for code in wanted}
        for host in gone:
            await self._end_line(host.code)
        for code, (_, host) in fresh.items():
            if issubclass(host.extension_class, PictureListener):
                line = self._lines[code] = _Line(host)
                line.task = asyncio.create_task(line.run(), name=f"listener {code}")
        await asyncio.gather(*(host.close() for host in gone))
        return list(fresh)

    async def close(self) -> None:
        """End every extension; what listeners were not told of is given up, and named in the log."""
        for code in list(self._lines):
            await self._end_line(code)
        await asyncio.gather(*(host.close() for _, host in self._serving.values()))
        self._serving = {}

    def states(self) -> list[ExtensionState]:
        """How every extension is at the moment."""
        return [host.state for _, host in self._serving.values()]

    async def worded(self, wish: PromptWish) -> PromptWish:
        """The wish after every prompt transform; one that fails changes nothing."""
        for host in self._of(PromptTransform):
            with suppress(Skipped):
                changed: object = await host.ask(partial(_transformed, wish=wish))
                if isinstance(changed, PromptWish) and changed.prompt.strip():
                    wish = changed
                else:
                    _log.warning("extension %s is skipped: it gave no prompt", host.code)
        return wish

    async def drawing(self, picture: PictureFacts) -> Drawing | None:
        """What picture transforms draw on this picture, or None when they leave it as it is."""
        keyed = []
        for host in self._of(PictureTransform):
            with suppress(Skipped):
                key = await host.ask(lambda transform: _key(transform, picture))
                if key is not None:
                    keyed.append((host, f"{host.code}={key}"))
        if not keyed:
            return None
        digest = hashlib.sha256("\n".join(key for _, key in keyed).encode()).hexdigest()[:16]
        hosts = [host for host, _ in keyed]
        return Drawing(key=digest, draw=lambda image: _drawn(hosts, image, picture))

    def tell(self, ready: PictureReady) -> None:
        """Let every listener know of a new picture, each in its own time."""
        for line in self._lines.values():
            line.add(ready)

    def _of(self, kind: type[Extension]) -> list[ExtensionHost[Any]]:
        hosts = [host for _, host in self._serving.values() if issubclass(host.extension_class, kind)]
        return sorted(
            (host for host in hosts if host.is_usable), key=lambda host: (host.extension_class.order, host.code)
        )

    def _host(self, enabled: EnabledExtension) -> ExtensionHost[Any]:
        code = enabled.kind.code
        context = PluginContext(
            settings=enabled.settings,
            clock=self._clock,
            random=random.Random(self._rng.getrandbits(64)),  # noqa: S311 - for pictures, not for secrets
            log=self._log(f"imageserver.extension.{code}"),
            data_folder=self._data / "extensions" / code,
        )
        return ExtensionHost(enabled.kind, context, kind_of(enabled.kind))

    async def _end_line(self, code: str) -> None:
        line = self._lines.pop(code, None)
        if line is None or line.task is None:
            return
        line.task.cancel()
        with suppress(asyncio.CancelledError):
            await line.task
        if line.waiting.qsize():
            _log.warning("extension %s was not told of the last %d pictures", code, line.waiting.qsize())


async def _told(listener: PictureListener, ready: PictureReady) -> None:
    await listener.picture_ready(ready)


async def _transformed(transform: PromptTransform, wish: PromptWish) -> PromptWish:
    return await transform.transform(wish)


def _applied(transform: PictureTransform, canvas: Image, picture: PictureFacts) -> Image:
    return transform.apply(canvas, picture)


async def _key(transform: PictureTransform, picture: PictureFacts) -> str | None:
    key = transform.cache_key(picture)
    return None if key is None else str(key)


def _drawn(hosts: Sequence[ExtensionHost[Any]], image: Image, picture: PictureFacts) -> tuple[Image, bool]:
    """The picture with everything drawn on it that could be, and whether that was all. Called in a thread."""
    whole = True
    for host in hosts:
        canvas = image.copy()  # one that fails in the middle leaves nothing behind
        try:
            drawn = host.ask_in_thread(partial(_applied, canvas=canvas, picture=picture))
        except Skipped:
            whole = False
            continue
        if getattr(drawn, "size", None) == image.size and getattr(drawn, "mode", None) == "RGB":
            image = drawn
        else:
            _log.warning("extension %s is skipped: it gave no RGB picture of the same size", host.code)
            whole = False
    return image, whole
