"""How the options are grouped for people, and when a change of one counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Counts = Literal["now", "restart", "by_hand"]

# In the order of the page.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "new pictures": ("image_generate_threshold", "prompts_amount", "sleep_time", "stock_frames", "queue_size"),
    "on the wall": (
        "panel",
        "image_width",
        "image_height",
        "fit_mode",
        "fit_threshold",
        "render",
        "quality",
        "max_bytes",
        "refresh",
    ),
    "store": ("image_amount_min", "image_amount_max", "scan_image_cron", "image_path"),
    "providers": ("disabled_providers", "workers", "check_pending_cron", "plugins_dir"),
    "log and language": ("log_level", "language", "error_cards", "log_file", "log_megabytes", "log_days"),
    "network and access": (
        "host",
        "port",
        "https_port",
        "cert_path",
        "password_file",
        "hosts",
        "trusted_proxies",
        "mdns",
        "mqtt",
    ),
}

# Taken over while the server runs.
COUNT_NOW = frozenset(
    {
        *GROUPS["new pictures"],
        *GROUPS["on the wall"],
        "image_amount_min",
        "image_amount_max",
        "disabled_providers",
        "workers",
        "log_level",
    }
)
# A mistake in one of these shuts the owner out, loses the pictures from sight or runs other people's code. Whoever
# changes them sits before the file, and not before a page.
BY_HAND = frozenset({"image_path", "plugins_dir", "log_file", *GROUPS["network and access"]})


def counts(option: str) -> Counts:
    """When a change of an option counts, and whether a page may make it."""
    if option in BY_HAND:
        return "by_hand"
    return "now" if option in COUNT_NOW else "restart"
