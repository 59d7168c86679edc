"""What the web rooms are given, under typed keys of the application."""

from __future__ import annotations

import random
from typing import Protocol

from aiohttp import web
from attrs import frozen

from imageserver.access.room import Access
from imageserver.clock import Clock
from imageserver.delivery import Delivery
from imageserver.frames import Frames
from imageserver.intake import Intake
from imageserver.jobs import OpenJobs
from imageserver.journal import Journal
from imageserver.naps import Naps
from imageserver.options_in_use import OptionsInUse
from imageserver.pictures.choices import Choices
from imageserver.pictures.peoples_rooms import PeoplesRooms
from imageserver.pictures.rotation import Rotation
from imageserver.pictures.store import PictureStore
from imageserver.prompts import PromptLibrary
from imageserver.reloading import Reloader
from imageserver.settings_desk import SettingsDesk
from imageserver.sightings import Sightings
from imageserver.steering import Steering
from imageserver.till import Till
from imageserver.vigil import Stage
from imageserver.web.screens import Screens


@frozen(kw_only=True)
class Books:
    """What a provider's pictures cost. Money is a decimal number as text; None: without limit."""

    price: str
    is_paid: bool  # it costs money even where nobody has said how much
    pictures_today: int
    pictures_this_month: int
    cost_today: str
    cost_this_month: str
    max_per_day: int | None
    max_per_month: int | None
    max_cost_per_month: str | None


@frozen(kw_only=True)
class ProviderLine:
    """A provider as people see it."""

    code: str
    title: str
    status: str
    reason: str
    spent: str = ""  # today, yesterday, this month; empty for a provider that is not counted
    serves: bool = False  # it could be asked for a picture at this moment
    paints: bool = False  # new pictures, and does not only show those of a folder
    takes_prompt: bool = False
    threshold: float = 0.0  # seconds between two times that `auto` asks it
    asked_at: float | None = None  # seconds since 1970
    error: str = ""  # what it said when it failed last
    error_at: float | None = None
    books: Books | None = None  # None: it is not counted


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

    def not_running(self) -> list[str]: ...

    def stage(self) -> Stage: ...


INTAKE = web.AppKey("intake", Intake)
DELIVERY = web.AppKey("delivery", Delivery)
FRAMES = web.AppKey("frames", Frames)
SIGHTINGS = web.AppKey("sightings", Sightings)
SCREENS = web.AppKey("screens", Screens)
PEOPLE = web.AppKey("people", PeoplesRooms)
STORE = web.AppKey("store", PictureStore)
ROTATION = web.AppKey("rotation", Rotation)
JOURNAL = web.AppKey("journal", Journal)
PROMPTS = web.AppKey("prompts", PromptLibrary)
CLOCK = web.AppKey("clock", Clock)
OVERVIEW = web.AppKey("overview", Overview)
SETTINGS = web.AppKey("settings", SettingsDesk)
OPTIONS = web.AppKey("options", OptionsInUse)
TILL = web.AppKey("till", Till)
RELOADER = web.AppKey("reloader", Reloader)
ACCESS = web.AppKey("access", Access)
OPEN_JOBS = web.AppKey("open_jobs", OpenJobs)
DICE = web.AppKey("dice", random.Random)
CHOICES = web.AppKey("choices", Choices)
NAPS = web.AppKey("naps", Naps)
STEERING = web.AppKey("steering", Steering)
WHERE = web.AppKey("where", str)  # where a person looks, such as http://192.168.1.5:8099; empty where nobody knows
