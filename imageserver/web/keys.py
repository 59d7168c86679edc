"""What the web rooms are given, under typed keys of the application."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web
from attrs import frozen

from imageserver.clock import Clock
from imageserver.delivery import Delivery
from imageserver.frames import Frames
from imageserver.intake import Intake
from imageserver.journal import Journal
from imageserver.pictures.rotation import Rotation
from imageserver.pictures.store import PictureStore
from imageserver.prompts import PromptLibrary
from imageserver.reloading import Reloader
from imageserver.web.screens import Screens


@frozen(kw_only=True)
class ProviderLine:
    """A provider as people see it."""

    code: str
    title: str
    status: str
    reason: str
    spent: str = ""  # today, yesterday, this month; empty for a provider that is not counted


@frozen(kw_only=True)
class PluginLine:
    """A plugin as people see it."""

    name: str
    version: str
    source: str
    status: str
    reason: str
    providers: tuple[str, ...]


@frozen(kw_only=True)
class ExtensionLine:
    """An extension as people see it."""

    code: str
    title: str
    kind: str  # "prompt transform", "picture transform", "listener"
    status: str
    reason: str


class Overview(Protocol):
    """What pages and the command line show; built by app.py, which alone sees every room."""

    async def providers(self) -> list[ProviderLine]: ...

    def plugins(self) -> list[PluginLine]: ...

    def extensions(self) -> list[ExtensionLine]: ...

    def health(self) -> dict[str, object]: ...


INTAKE = web.AppKey("intake", Intake)
DELIVERY = web.AppKey("delivery", Delivery)
FRAMES = web.AppKey("frames", Frames)
SCREENS = web.AppKey("screens", Screens)
STORE = web.AppKey("store", PictureStore)
ROTATION = web.AppKey("rotation", Rotation)
JOURNAL = web.AppKey("journal", Journal)
PROMPTS = web.AppKey("prompts", PromptLibrary)
CLOCK = web.AppKey("clock", Clock)
OVERVIEW = web.AppKey("overview", Overview)
RELOADER = web.AppKey("reloader", Reloader)
TOKEN = web.AppKey("token", str)
