"""Every option with its meaning, its default and its limits. Plain data: reading files is the reader's business."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, field, frozen

from imageserver.sleeping import SleepWindow

Check = Callable[[Any, "Attribute[Any]", Any], Any]


def setting(
    *, default: Any, doc: str, check: Check | None = None, secret: bool = False, alias: str | None = None
) -> Any:
    """One option: its default, the sentence that documents it, its limits, whether it is masked, its other name."""
    return field(default=default, validator=check, metadata={"doc": doc, "secret": secret, "other_name": alias})


def between(low: float, high: float) -> Check:
    """A number from `low` to `high`, both allowed."""

    def check(_instance: object, _attribute: Attribute[Any], value: float) -> None:
        if not low <= value <= high:
            raise ValueError(f"expected a number from {low} to {high}, got {value}")

    return check


def optional_between(low: float, high: float) -> Check:
    """None, the word `none`, or a number from `low` to `high`."""
    check = between(low, high)

    def validate(instance: object, attribute: Attribute[Any], value: object) -> None:
        if value is not None and value != "none":
            check(instance, attribute, value)

    return validate


def _is_five_field_cron(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    # The last word on a cron expression (has it a next date?) is the schedule's; the reader asks it.
    if len(value.split()) != 5:
        raise ValueError('a cron expression has five fields: minute, hour, day, month, weekday, like "0 3 * * *"')


def _are_codes(_instance: object, _attribute: Attribute[Any], value: tuple[str, ...]) -> None:
    for code in value:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", code):
            raise ValueError(f'"{code}" is no provider code: letters, digits, "_" and "-"')


def _is_language(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    if value is not None and not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", value, re.ASCII):
        raise ValueError("expected a language in small letters, such as en, de or pt-br")


@frozen(kw_only=True)
class Options:
    """The keys of options.yml. Folders are absolute once the reader is done with them."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        default="INFO", doc="How much the log tells: DEBUG, INFO, WARNING or ERROR."
    )
    language: Literal["auto", "ru", "en"] = setting(
        default="auto",
        doc="Language of the texts on cards: ru, en, or auto (the system's; Russian when the prompts are).",
    )
    image_path: Path = setting(
        default=Path(),
        doc="The store: pictures directly in it and in its folder original/, where new ones go.",
    )
    image_amount_min: int = setting(
        default=1000, check=between(0, 10_000_000), doc="How many stored pictures a rotation leaves."
    )
    image_amount_max: int = setting(
        default=2000,
        check=between(1, 10_000_000),
        doc="Above this many stored pictures the oldest are deleted until image_amount_min remain.",
    )
    image_generate_threshold: float = setting(
        default=10.0,
        check=between(0, 525_600),
        doc="Minutes that must pass since `auto` last asked a provider before it asks one again. 0: always.",
    )
    check_pending_cron: str = setting(
        default="* * * * *", check=_is_five_field_cron, doc="When providers are asked about waiting jobs."
    )
    scan_image_cron: str = setting(
        default="0 0 * * *", check=_is_five_field_cron, doc="When the stored pictures are counted and rotated."
    )
    image_width: int = setting(
        default=320, check=between(16, 4096), alias="image_weight", doc="Width of the frame's panel in pixels."
    )
    image_height: int = setting(default=480, check=between(16, 4096), doc="Height of the frame's panel in pixels.")
    fit_mode: Literal["crop", "pad"] = setting(
        default="crop", doc="A picture of other proportions is cropped to fill the panel, or padded with black."
    )
    fit_threshold: float = setting(
        default=0.03,
        check=between(0, 1),
        doc="Up to this difference of proportions a picture is stretched instead: 0.03 is three percent.",
    )
    quality: int = setting(default=90, check=between(1, 100), doc="JPEG quality of what a frame gets.")
    refresh: int = setting(
        default=300, check=between(1, 31_536_000), doc="Seconds after which /frame.jpg shows a new picture."
    )
    prompts_amount: int = setting(
        default=10, check=between(1, 100_000), doc="Size of the prompt library: above it the oldest prompt goes."
    )
    host: str = setting(default="0.0.0.0", doc="Address to listen on; 0.0.0.0 is every IPv4 address.")  # noqa: S104 - frames are on the LAN
    port: int = setting(default=8099, check=between(0, 65_535), doc="Port to listen on; 0 takes any free one.")
    workers: int = setting(
        default=2,
        check=between(1, 64),
        doc="How many jobs are worked on at once at least; there is always one more than providers have slots.",
    )
    queue_size: int = setting(
        default=20,
        check=between(1, 100_000),
        doc="How many unfinished jobs may wait; above it explicit requests are refused and `auto` shows the store.",
    )
    plugins_dir: Path = setting(default=Path(), doc="The folder where plugins are dropped.")
    disabled_providers: tuple[str, ...] = setting(
        default=(), check=_are_codes, doc="Codes of providers that are never used."
    )


@frozen(kw_only=True)
class Terms:
    """On which terms a provider serves: the keys under `providers: {code: …}` that every provider knows."""

    price: Decimal | None = setting(
        default=None,
        check=optional_between(0, 1_000_000),
        doc="What one picture costs; the provider's own default else.",
    )
    max_per_day: int | Literal["none"] | None = setting(
        default=None,
        check=optional_between(0, 1_000_000),
        doc="Pictures bought in one local day at most; 200 for a provider that costs something, none lifts it.",
    )
    max_per_month: int | None = setting(
        default=None, check=optional_between(0, 10_000_000), doc="Pictures bought in one local month at most."
    )
    max_cost_per_month: Decimal | None = setting(
        default=None, check=optional_between(0, 100_000_000), doc="Money spent in one local month at most."
    )
    image_generate_threshold: float = setting(
        default=0.0,
        check=between(0, 525_600),
        doc="Minutes that must pass since this provider was last asked before `auto` asks it again.",
    )
    deadline: float | None = setting(
        default=None, check=optional_between(1, 86_400), doc="Seconds for one call; the provider's own default else."
    )
    weight: float = setting(
        default=1.0,
        check=between(0, 1000),
        doc="How often it is drawn, beside the others' weights; 0: only when all others failed.",
    )
    sleep_time: tuple[SleepWindow, ...] = setting(
        default=(), doc='Hours in which it is not asked: [{time_range: {start_time: "23:00", end_time: "06:59"}}].'
    )
    prompt_suffix: str = setting(default="", doc="What is added to every prompt for this provider, after a comma.")
    prompt_language: str | None = setting(
        default=None,
        check=_is_language,
        doc="Language in which this provider gets prompts that the library has in it, such as en.",
    )


@frozen(kw_only=True)
class RawSettings:
    """What stands under `providers: {code: …}` or `extensions: {code: …}`, not yet read: only a plugin knows its keys.

    `node` is a tree of config.values with its positions (None for `code:` with nothing behind it); only
    the modules of config look inside.
    """

    code: str
    file: str  # as named in messages
    line: int
    node: Any = field(repr=False)  # may hold a key


@frozen(kw_only=True)
class Config:
    """Everything that the owner said, with where each value comes from."""

    data: Path  # the data folder, absolute
    options: Options
    providers: Mapping[str, RawSettings]
    extensions: Mapping[str, RawSettings] = field(factory=dict)
    origins: Mapping[str, str]  # option → "default", "options.yml:7", "--port", "environment PORT"

    @property
    def options_file(self) -> Path:
        """Where the owner's options are, or would be."""
        return self.data / "options.yml"

    def is_given(self, option: str) -> bool:
        """Whether the owner wrote this option down anywhere."""
        return self.origins.get(option, "default") != "default"
