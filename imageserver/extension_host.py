"""One extension with its own thread and deadline. What it does wrong costs only itself: it is skipped and named."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from attrs import frozen

from imageserver.breaker import Breaker
from imageserver.errors import ProviderError, TransientError
from imageserver.extensions import Extension
from imageserver.plugin_context import PluginContext
from imageserver.plugin_loop import NoAnswer, PluginLoop
from imageserver.plugin_sources import own_line

T = TypeVar("T")
E = TypeVar("E", bound=Extension)
_BUILD_SECONDS = 15.0
_PULSE_SECONDS = 3.0  # a loop that does not turn within this after a deadline is blocked by its own code
_STOP_SECONDS = 2.0
_HUNG = "its code does not come back; it is left out until you say `imageserver plugins reload`"

_log = logging.getLogger(__name__)


class Skipped(Exception):
    """The extension cannot be used just now; the log has said why."""


@frozen(kw_only=True)
class ExtensionState:
    """An extension as the page and the command line see it."""

    code: str
    title: str
    kind: str  # "prompt transform", "picture transform", "listener"
    status: str  # "ready", "paused", "hung", "broken"
    reason: str  # for the owner, on one line; empty when all is well


class ExtensionHost(Generic[E]):
    """Builds an extension and calls it, never on the server's loop, never for longer than its deadline."""

    def __init__(self, extension_class: type[E], context: PluginContext, kind: str) -> None:
        self.extension_class = extension_class
        self.code = extension_class.code
        self._context = context
        self._kind = kind
        self._loop = PluginLoop(f"extension {self.code}")
        self._breaker = Breaker(context.clock)
        self._one_at_a_time = threading.Lock()
        self._extension: E | None = None
        self._trouble: tuple[str, str] | None = ("broken", "it is being started")

    @property
    def state(self) -> ExtensionState:
        """How it is at the moment."""
        paused = self._breaker.paused()
        status, reason = self._trouble or (("paused", paused) if paused else ("ready", ""))
        title = self.extension_class.title or self.code
        return ExtensionState(code=self.code, title=title, kind=self._kind, status=status, reason=reason)

    @property
    def is_usable(self) -> bool:
        """Whether a call may be made at the moment."""
        return not self.serves_nobody and self._breaker.paused() is None

    @property
    def serves_nobody(self) -> bool:
        """Whether it is broken or hung: nothing but building it anew can help."""
        return self._trouble is not None

    async def open(self) -> None:
        """Build the extension. Never raises: the state says what went wrong."""

        async def build() -> E:
            return self.extension_class(self._context)

        try:
            self._extension = await self._loop.call(build, _BUILD_SECONDS)
        except Exception as error:  # a stranger's constructor may raise anything
            self._trouble = ("broken", f"it could not be built: {self._said(error)}")
            _log.error("extension %s is left out: %s", self.code, self._trouble[1])
        else:
            self._trouble = None

    async def ask(self, call: Callable[[E], Coroutine[Any, Any, T]], *, is_its_work: bool = True) -> T:
        """What the extension gives. Raises Skipped when it cannot be asked or fails; the log then names it.

        Failures in a row pause it, whatever was asked; only its work ends the row (`is_its_work`). `call` raises
        BadResult for what is of no use.
        """
        extension = self._usable()
        try:
            given = await self._loop.call(lambda: call(extension), self.extension_class.deadline)
        except Exception as error:
            if isinstance(error, NoAnswer) and not await self._loop.responds(_PULSE_SECONDS):
                self._hang()
            raise self._failed(error) from error
        if is_its_work:
            self._breaker.succeeded()
        return given

    def ask_in_thread(self, call: Callable[[E], T]) -> T:
        """The same for work that blocks; it runs in the extension's thread while the calling thread waits."""
        extension = self._usable()

        async def work() -> T:
            return call(extension)

        try:
            with self._one_at_a_time:  # the deadline is for the work, not for the queue before it
                given = self._loop.call_from_thread(work, self.extension_class.deadline)
        except Exception as error:
            if isinstance(error, NoAnswer):  # code that blocks cannot be cut off
                self._hang()
            raise self._failed(error) from error
        self._breaker.succeeded()
        return given

    async def close(self) -> None:
        """End the extension and its thread; one that hangs is left behind."""
        extension = self._extension
        if extension is not None and self.state.status != "hung":

            async def end() -> None:
                try:
                    await extension.close()
                finally:
                    await self._context.close()

            try:
                await self._loop.call(end, _STOP_SECONDS)
            except Exception as error:
                _log.warning("extension %s did not close: %s", self.code, self._said(error))
        if not await self._loop.stop(_STOP_SECONDS):
            _log.warning("extension %s does not end and is left behind", self.code)

    def _usable(self) -> E:
        if self._extension is None or not self.is_usable:
            raise Skipped(f"{self.code} is {self.state.status}: {self.state.reason}")
        return self._extension

    def _hang(self) -> None:
        self._trouble = ("hung", _HUNG)

    def _failed(self, error: Exception) -> Skipped:
        said = self._said(error)
        self._breaker.failed(TransientError(said))
        _log.warning("extension %s is skipped: %s", self.code, said, exc_info=_log.isEnabledFor(logging.DEBUG))
        return Skipped(f"{self.code}: {said}")

    def _said(self, error: BaseException) -> str:
        text = " ".join(str(error).split())  # a stranger's message may have several lines
        if not isinstance(error, ProviderError):  # the text of one is for the owner as it is
            name = type(error).__name__
            text = (f"{name}: {text}" if text else name) + own_line(error, self.extension_class.__module__)
        return self._context.mask(text)
