"""Every option with its meaning, its default and its limits. Plain data: reading files is the reader's business."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen

from imageserver.config.broker import MqttOptions
from imageserver.config.limits import (
    are_addresses,
    are_codes,
    are_codes_if_given,
    are_host_names,
    are_networks,
    between,
    is_five_field_cron,
    is_language,
    is_panel,
    optional_between,
)
from imageserver.config.setting import setting
from imageserver.panel.profiles import DEFAULT
from imageserver.sleeping import FrameSleepWindow, SleepWindow
from imageserver.target import FitMode, Render, Turn


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
    error_cards: bool = setting(
        default=True,
        doc="Whether a frame may say what is wrong, on one of ten pictures at most; false: a night sky without words.",
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
        default="* * * * *", check=is_five_field_cron, doc="When providers are asked about waiting jobs."
    )
    scan_image_cron: str = setting(
        default="0 0 * * *", check=is_five_field_cron, doc="When the stored pictures are counted and rotated."
    )
    image_width: int = setting(
        default=320, check=between(16, 4096), alias="image_weight", doc="Width of the frame's panel in pixels."
    )
    image_height: int = setting(default=480, check=between(16, 4096), doc="Height of the frame's panel in pixels.")
    panel: str = setting(
        default=DEFAULT,
        check=is_panel,
        doc="What pictures are made for: tft-320x480-565, tft-128x160-565, or jpeg-8bit for tablets and browsers.",
    )
    render: Render = setting(
        default="panel",
        doc="How much is done for a picture: fast on weak machines, panel, or best (made anew in the background).",
    )
    fit_mode: FitMode = setting(
        default="smart",
        doc="A picture of other proportions is cropped to what matters (smart) or to its middle (crop), or padded "
        "with black (pad) or with itself, blurred (blur-pad).",
    )
    fit_threshold: float = setting(
        default=0.03,
        check=between(0, 1),
        doc="Up to this difference of proportions a picture is stretched instead: 0.03 is three percent.",
    )
    quality: int = setting(
        default=90,
        check=between(1, 100),
        doc="JPEG quality for jpeg-8bit; the others get the best that max_bytes allows.",
    )
    max_bytes: int | None = setting(
        default=None,
        check=optional_between(4_000, 10_000_000),
        doc="The largest JPEG that a frame gets, in bytes; by default what suits the panel, 120000 for 320x480.",
    )
    refresh: int = setting(
        default=300, check=between(1, 31_536_000), doc="Seconds after which /frame.jpg shows a new picture."
    )
    prompts_amount: int = setting(
        default=10, check=between(1, 100_000), doc="Size of the prompt library: above it the oldest prompt goes."
    )
    sleep_time: tuple[FrameSleepWindow, ...] = setting(
        default=(),
        doc="Hours in which `auto` asks no provider: "
        '[{time_range: {start_time: "23:00", end_time: "06:59"}, black_image_mode: true}].',
    )
    stock_frames: Literal["auto", "ask"] = setting(
        default="auto",
        doc="What an unmodified AiFrame's timer gets: auto as any other frame, ask always a provider's picture.",
    )
    host: str = setting(default="0.0.0.0", doc="Address to listen on; 0.0.0.0 is every IPv4 address.")  # noqa: S104 - frames are on the LAN
    port: int = setting(default=8099, check=between(0, 65_535), doc="Port to listen on; 0 takes any free one.")
    https_port: int | None = setting(
        default=None,
        check=optional_between(0, 65_535),
        doc="One more port, for HTTPS only; with certificates the first port speaks HTTPS too.",
    )
    cert_path: Path = setting(
        default=Path(), doc="The folder with cert.pem and key.pem; without them there is no HTTPS."
    )
    password_file: Path | None = setting(
        default=None,
        doc="A file that holds the password for the page on its only line; without it the password is set on the page.",
    )
    hosts: tuple[str, ...] = setting(
        default=(),
        check=are_host_names,
        doc="More names under which people open the page; addresses, localhost, *.local and this computer's name work.",
    )
    trusted_proxies: tuple[str, ...] = setting(
        default=(),
        check=are_networks,
        doc="Addresses or networks of proxies whose X-Forwarded-For, -Proto, -Host and -Prefix are believed.",
    )
    mqtt: MqttOptions | None = setting(
        default=None, doc="The broker through which Home Assistant sees the frames, such as {host: 192.168.1.10}."
    )
    mdns: Literal["auto", "always", "never"] = setting(
        default="auto",
        doc="Whether the network is told where the page is; auto: unless in a container, where nobody would hear it.",
    )
    log_file: Path | None = setting(
        default=None, doc="The log is written to this file too; ~ for none. By default app.log in the folder log."
    )
    log_megabytes: int = setting(
        default=10, check=between(1, 10_000), doc="A log file larger than this is put aside and compressed."
    )
    log_days: int = setting(
        default=30,
        check=between(1, 3650),
        doc="A log file is put aside after a day; after this many days it is deleted.",
    )
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
        default=(), check=are_codes, doc="Codes of providers that are never used."
    )


@frozen(kw_only=True)
class FrameOptions:
    """The keys under `frames: {name: …}`. What is None is as the server's own option says."""

    address: tuple[str, ...] = setting(
        default=(), check=are_addresses, doc="The frame's address in the network, or a list of them."
    )
    port: int | None = setting(
        default=None,
        check=optional_between(1, 65_535),
        doc="A port of its own: whoever asks there is this frame, whatever its address.",
    )
    image_width: int | None = setting(
        default=None, check=optional_between(16, 4096), alias="image_weight", doc="Width of its panel in pixels."
    )
    image_height: int | None = setting(
        default=None, check=optional_between(16, 4096), doc="Height of its panel in pixels."
    )
    panel: str | None = setting(default=None, check=is_panel, doc="As the option panel; it brings its size with it.")
    render: Render | None = setting(default=None, doc="As the option render.")
    fit_mode: FitMode | None = setting(default=None, doc="As the option fit_mode.")
    quality: int | None = setting(default=None, check=optional_between(1, 100), doc="As the option quality.")
    max_bytes: int | None = setting(
        default=None, check=optional_between(4_000, 10_000_000), doc="As the option max_bytes."
    )
    rotate: Turn = setting(
        default=0, doc="Degrees clockwise by which pictures are turned, for a panel that hangs turned: 0, 90, 180, 270."
    )
    mirror: bool = setting(default=False, doc="Whether left and right are exchanged.")
    invert: bool = setting(default=False, doc="Whether every colour becomes its opposite, for a panel that inverts.")
    gamma: float = setting(default=1.0, check=between(0.2, 5), doc="Above 1 the middle tones become lighter.")
    sleep_time: tuple[FrameSleepWindow, ...] | None = setting(
        default=None, doc="Its own sleep windows instead of the server's; [] for none."
    )
    providers: tuple[str, ...] | None = setting(
        default=None,
        check=are_codes_if_given,
        doc="Codes of the providers whose pictures it shows, painted or stored; store is everything in the store.",
    )
    prompts: tuple[str, ...] | None = setting(
        default=None, doc="Texts that are drawn for this frame instead of the prompt library's."
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
        check=is_language,
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
    frames: Mapping[str, FrameOptions] = field(factory=dict)  # by name, in the owner's order
    origins: Mapping[str, str]  # option → "default", "options.yml:7", "--port", "environment PORT"

    @property
    def options_file(self) -> Path:
        """Where the owner's options are, or would be."""
        return self.data / "options.yml"

    def is_given(self, option: str) -> bool:
        """Whether the owner wrote this option down anywhere."""
        return self.origins.get(option, "default") != "default"
