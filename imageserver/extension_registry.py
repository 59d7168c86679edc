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

from attrs import define, evolve, field, frozen

from imageserver.clock import Clock
from imageserver.config.model import Config
from imageserver.config.settings import read_settings
from imageserver.config.values import did_you_mean
from imageserver.errors import BadResult, Problem
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
from imageserver.pictures.rendition import Drawing
from imageserver.plugin_context import PluginContext
from imageserver.plugins import Plugins
from imageserver.registry import Changes
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
    stamp: str = ""  # another one when the code is another

    @property
    def look(self) -> str:
        """What its drawings depend on beside the picture and its own key: its code and its settings."""
        return f"{self.stamp} {self.settings!r}"


@frozen(kw_only=True)
class ExtensionSelection:
    """What the options make of the extensions that there are."""

    enabled: tuple[EnabledExtension, ...] = ()
    off: Mapping[str, str] = field(factory=dict)  # code → why it does not serve
    problems: tuple[Problem, ...] = ()


def select_extensions(plugins: Plugins, config: Config) -> ExtensionSelection:
    """Read the settings of every extension that the owner named, or dropped in and that needs none."""
    there = plugins.extensions
    stamps = {code: f"{one.record.version} {one.source.stamp}" for one in plugins.loaded for code in one.codes}
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
            enabled.append(EnabledExtension(kind=kind, settings=settings, stamp=stamps.get(code, "")))
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
        width=target.upright[0],
        height=target.upright[1],
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
        self._held_back: Mapping[str, str] = {}  # as Changes has it, since the last take_over
        self._data, self._clock, self._rng, self._log = data, clock, rng, log
        self._serving: dict[str, tuple[EnabledExtension, ExtensionHost[Any]]] = {}
        self._lines: dict[str, _Line] = {}

    async def take_over(self, selection: ExtensionSelection) -> Changes:
        """Serve with these from now on.

        Those that are the same go on untouched, unless they serve nobody. A new one that cannot be built takes no
        place from one that serves.
        """
        wanted = {enabled.kind.code: enabled for enabled in selection.enabled}
        before = self._serving
        kept = [code for code, enabled in wanted.items() if self._goes_on(enabled)]
        coming = {code: (enabled, self._host(enabled)) for code, enabled in wanted.items() if code not in kept}
        await asyncio.gather(*(host.open() for _, host in coming.values()))
        held_back = {code: host.state.reason for code, (_, host) in coming.items() if self._is_no_better(host)}
        self._serving = {code: before[code] if code in (*kept, *held_back) else coming[code] for code in wanted}
        self.off, self._held_back = selection.off, held_back
        serving = [host for _, host in self._serving.values()]
        ending = [host for _, host in (*before.values(), *coming.values()) if host not in serving]
        for code, (_, host) in before.items():
            if host in ending:
                await self._end_line(code)
        for host in serving:
            if issubclass(host.extension_class, PictureListener) and host.code not in self._lines:
                line = self._lines[host.code] = _Line(host)
                line.task = asyncio.create_task(line.run(), name=f"listener {host.code}")
        await asyncio.gather(*(host.close() for host in ending))
        return Changes(
            added=tuple(code for code in wanted if code not in before),
            changed=tuple(code for code in coming if code in before and code not in held_back),
            removed=tuple(code for code in before if code not in wanted),
            kept=tuple(kept),
            held_back=held_back,
        )

    def _goes_on(self, enabled: EnabledExtension) -> bool:
        """Whether the extension that is there is just what is wanted."""
        now, host = self._serving.get(enabled.kind.code, (None, None))
        if now is None or host is None or host.serves_nobody:
            return False
        try:
            return bool(now == enabled)
        except Exception:  # a stranger's settings may raise anything when they are compared
            return False

    def _is_no_better(self, host: ExtensionHost[Any]) -> bool:
        """Whether a new host is of no use while the old one is."""
        _, old = self._serving.get(host.code, (None, None))
        return host.serves_nobody and old is not None and not old.serves_nobody

    async def close(self) -> None:
        """End every extension; what listeners were not told of is given up, and named in the log."""
        for code in list(self._lines):
            await self._end_line(code)
        await asyncio.gather(*(host.close() for _, host in self._serving.values()))
        self._serving = {}

    @property
    def enabled(self) -> Mapping[str, EnabledExtension]:
        """What serves, by code, with its settings."""
        return {code: enabled for code, (enabled, _) in self._serving.items()}

    def states(self) -> list[ExtensionState]:
        """How every extension is at the moment."""
        return [self._state(host) for _, host in self._serving.values()]

    def _state(self, host: ExtensionHost[Any]) -> ExtensionState:
        state, why = host.state, self._held_back.get(host.code)
        if state.reason or why is None:
            return state
        return evolve(state, reason=f"it serves as it was before the last change: {why}")

    async def worded(self, wish: PromptWish) -> PromptWish:
        """The wish after every prompt transform; one that fails changes nothing."""
        for host in self._of(PromptTransform):
            with suppress(Skipped):
                wish = await host.ask(partial(_transformed, wish=wish))
        return wish

    def may_draw(self) -> bool:
        """Whether there is any picture transform, well or not."""
        return any(issubclass(host.extension_class, PictureTransform) for _, host in self._serving.values())

    async def drawing(self, picture: PictureFacts) -> Drawing | None:
        """What picture transforms draw on this picture, or None when they leave it as it is."""
        keyed = []
        for host in self._of(PictureTransform):
            with suppress(Skipped):
                key = await host.ask(partial(_key, picture=picture), is_its_work=False)
                if key is not None:
                    keyed.append((host, f"{host.code}={key} {self._serving[host.code][0].look}"))
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
    changed: object = await transform.transform(wish)  # what the annotation promises, a stranger may not keep
    if not isinstance(changed, PromptWish) or not changed.prompt.strip():
        raise BadResult("it gave no prompt")
    return changed


def _applied(transform: PictureTransform, canvas: Image, picture: PictureFacts) -> Image:
    size = canvas.size
    drawn = transform.apply(canvas, picture)
    if getattr(drawn, "size", None) != size or getattr(drawn, "mode", None) != "RGB":
        raise BadResult("it gave no RGB picture of the same size")
    return drawn


async def _key(transform: PictureTransform, picture: PictureFacts) -> str | None:
    key = transform.cache_key(picture)
    return None if key is None else str(key)


def _drawn(hosts: Sequence[ExtensionHost[Any]], image: Image, picture: PictureFacts) -> tuple[Image, bool]:
    """The picture with everything drawn on it that could be, and whether that was all. Called in a thread."""
    whole = True
    for host in hosts:
        canvas = image.copy()  # one that fails in the middle leaves nothing behind
        try:
            image = host.ask_in_thread(partial(_applied, canvas=canvas, picture=picture))
        except Skipped:
            whole = False
    return image, whole
