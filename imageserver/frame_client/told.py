"""What a test frame tells a person, line by line."""

from __future__ import annotations

from collections.abc import Callable

from imageserver.frame_client.http import Exchange
from imageserver.frame_client.jpeg import WORKSPACE, JpegFacts

Out = Callable[[str], None]


def measured(exchange: Exchange) -> str:
    """One request and its answer."""
    return (
        f"HTTP {exchange.status}, {exchange.size} bytes, first byte after {exchange.first_byte:.3f} s, "
        f"longest pause {exchange.longest_pause:.3f} s"
    )


def described(facts: JpegFacts) -> str:
    """A picture that the decoder takes."""
    restart = f", restart every {facts.restart_interval} MCUs" if facts.restart_interval else ""
    return (
        f"{facts.width}x{facts.height}, baseline {facts.sampling}, {facts.size} bytes, {facts.quantisers} quantiser "
        f"table(s){restart}, decoder workspace {facts.workspace} of {WORKSPACE} bytes"
    )
