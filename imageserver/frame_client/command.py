"""`imageserver frame`: try a server without the hardware."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click

from imageserver.frame_client.client import PORT

_FILE = click.Path(dir_okay=False, path_type=Path)


def parse_address(text: str) -> tuple[str, int]:
    """HOST, HOST:PORT, [IPv6]:PORT or http://HOST:PORT/ as (host, port). Raises click.BadParameter."""
    scheme, _, rest = text.rpartition("://")
    if scheme.lower() not in ("", "http"):
        raise click.BadParameter(f"{scheme}:// is not spoken here: the test frame knows plain HTTP only")
    if rest.count(":") > 1 and not rest.startswith("["):
        raise click.BadParameter("an IPv6 address stands in brackets, like [::1]:8099")
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if not host or parts.username is not None or parts.path not in ("", "/") or parts.query:
        raise click.BadParameter(f'"{text}" is no address of a server; write HOST, HOST:PORT or http://HOST:PORT/')
    return host, PORT if port is None else port


def parse_size(text: str) -> tuple[int, int]:
    """WIDTHxHEIGHT in pixels, 1 to 9999 each. Raises click.BadParameter."""
    found = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", text)
    if not found:
        raise click.BadParameter(f'"{text}" is no size; write WIDTHxHEIGHT in pixels, like 320x480')
    return int(found[1]), int(found[2])


@click.command("frame")
@click.argument("address", type=parse_address, metavar="HOST[:PORT]")
@click.option("--type", "kind", type=click.Choice(["auto", "old", "ydart", "provider"]), help="What to ask for.")
@click.option("--provider", metavar="CODE", help="Ask this provider; means --type provider.")
@click.option("--prompt", help="Paint this text; means --type ydart where no type is given.")
@click.option("--negative", help="What must not be in the picture.")
@click.option("--save", type=_FILE, help="Write the screen as PNG.")
@click.option("--save-jpeg", type=_FILE, help="Write the picture as it came.")
@click.option("--watch", is_flag=True, help="Go on with a new picture again and again until Ctrl-C.")
@click.option("--every", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds, with --watch.")
@click.option("--fast", is_flag=True, help="Ask for the result every 0.2 s; a real frame asks every 30 s.")
@click.option(
    "--size",
    type=parse_size,
    metavar="WIDTHxHEIGHT",
    default="320x480",
    show_default=True,
    help="The panel's size in pixels.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    help="Seconds to wait for the picture.",
)
@click.option("--data", type=click.Path(), help="Accepted as by every command; this one needs no data folder.")
def frame_command(  # noqa: PLR0913 - one argument for each option of the command line
    *,
    address: tuple[str, int],
    kind: str | None,
    provider: str | None,
    prompt: str | None,
    negative: str | None,
    save: Path | None,
    save_jpeg: Path | None,
    watch: bool,
    every: float,
    fast: bool,
    size: tuple[int, int],
    timeout: float,
    data: str | None,  # noqa: ARG001 - see its help
) -> None:
    """Behave as a frame on the wall does: ask HOST for a picture, draw it, or say why a real frame would fail."""
    if kind not in (None, "provider") and provider:
        raise click.UsageError(f"--provider names one provider; it does not go with --type {kind}")
    if kind == "provider" and not provider:
        raise click.UsageError("--type provider needs --provider CODE")
    from imageserver.frame_client.conversation import FrameOptions, run  # brings Pillow with it, which serving does not

    options = FrameOptions(
        host=address[0],
        port=address[1],
        type=kind or ("provider" if provider else "ydart" if prompt else "auto"),
        provider=provider,
        prompt=prompt,
        negative=negative,
        save=save,
        save_jpeg=save_jpeg,
        watch=watch,
        every=every,
        fast=fast,
        width=size[0],
        height=size[1],
        timeout=timeout,
    )
    try:
        code = asyncio.run(run(options, click.echo))
    except KeyboardInterrupt:
        code = 0 if watch else 130
    sys.exit(code)
