"""`imageserver frame`: try a server without the hardware."""

from __future__ import annotations

import asyncio
import random
import re
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import click

from imageserver.frame_client.client import PORT
from imageserver.frame_client.options import FrameOptions, SwarmOptions
from imageserver.frame_client.stock_client import PORT as STOCK_PORT
from imageserver.frame_client.swarm_command import be_many, check_mixture

_TYPES = ("auto", "old", "ydart", "provider", "test")
_FILE = click.Path(dir_okay=False, path_type=Path)


class Address(NamedTuple):
    """Where the server is, as far as the person said."""

    host: str
    port: int | None = None
    tls: bool | None = None  # None: no http:// or https:// stands before it


def parse_address(text: str) -> Address:
    """HOST, HOST:PORT, [IPv6]:PORT, http://HOST:PORT/ or https://HOST:PORT/. Raises click.BadParameter."""
    scheme, _, rest = text.rpartition("://")
    if scheme.lower() not in ("", "http", "https"):
        raise click.BadParameter(f"{scheme}:// is not spoken here: a frame knows http:// and https:// only")
    if rest.count(":") > 1 and not rest.startswith("["):
        raise click.BadParameter("an IPv6 address stands in brackets, like [::1]:8099")
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if not host or parts.username is not None or parts.path not in ("", "/") or parts.query:
        raise click.BadParameter(f'"{text}" is no address of a server; write HOST, HOST:PORT or http://HOST:PORT/')
    return Address(host, port, scheme.lower() == "https" if scheme else None)


def parse_size(text: str) -> tuple[int, int]:
    """WIDTHxHEIGHT in pixels, 1 to 9999 each. Raises click.BadParameter."""
    found = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", text)
    if not found:
        raise click.BadParameter(f'"{text}" is no size; write WIDTHxHEIGHT in pixels, like 320x480')
    return int(found[1]), int(found[2])


def parse_header(text: str) -> str:
    """A word that can stand in a header. Raises click.BadParameter."""
    if not text.strip() or not text.isprintable():
        raise click.BadParameter("expected a word of letters, digits and signs")
    return text.strip()


@click.command("frame")
@click.argument("address", type=parse_address, metavar="HOST[:PORT]")
@click.option("--type", "kind", type=click.Choice(_TYPES), help="What to ask for.")
@click.option("--provider", metavar="CODE", help="Ask this provider; means --type provider.")
@click.option("--prompt", help="Paint this text; means --type ydart where no type is given.")
@click.option("--negative", help="What must not be in the picture.")
@click.option("--as", "name", type=parse_header, metavar="NAME", help="Be the frame that `frames:` calls so.")
@click.option("--tls", is_flag=True, help="Speak HTTPS; so does https:// before the host.")
@click.option("--stock", is_flag=True, help="Behave as the unmodified AiFrame does.")
@click.option("--style", metavar="NAME", help="The style, with --stock.  [default: the server's first]")
@click.option("--key", type=parse_header, metavar="WORD", help="What its owner entered as the key, with --stock.")
@click.option("--save", type=_FILE, help="Write the screen as PNG.")
@click.option("--save-jpeg", type=_FILE, help="Write the picture as it came.")
@click.option("--sheet", type=_FILE, help="Write a PNG with both side by side.")
@click.option("--watch", is_flag=True, help="Go on with a new picture again and again until Ctrl-C.")
@click.option(
    "--every", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds, with --watch or --swarm."
)
@click.option("--fast", is_flag=True, help="Ask for the result every 0.2 s; a real frame asks every 30 s or 6 s.")
@click.option(
    "--size",
    type=parse_size,
    metavar="WIDTHxHEIGHT",
    help="The panel's size in pixels.  [default: the server's, with --as; else 320x480]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    help="Seconds to wait for the picture.",
)
@click.option("--swarm", type=click.IntRange(1, 100_000), metavar="N", help="Be N frames at once and count what fails.")
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="How long, with --swarm.  [default: until Ctrl-C]",
)
@click.option(
    "--abort",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    metavar="SHARE",
    help="Downloads that are broken off, with --swarm.",
)
@click.option("--seed", type=int, help="Begin at the same moments as another --swarm of this seed.")
@click.option("--data", type=click.Path(), help="Accepted as by every command; this one needs no data folder.")
@click.pass_context
def frame_command(  # noqa: PLR0913 - one argument for each option of the command line
    context: click.Context,
    *,
    address: Address,
    kind: str | None,
    provider: str | None,
    prompt: str | None,
    negative: str | None,
    name: str | None,
    tls: bool,
    stock: bool,
    style: str | None,
    key: str | None,
    save: Path | None,
    save_jpeg: Path | None,
    sheet: Path | None,
    watch: bool,
    every: float,
    fast: bool,
    size: tuple[int, int] | None,
    timeout: float,
    swarm: int | None,
    seconds: float | None,
    abort: float,
    seed: int | None,
    data: str | None,  # noqa: ARG001 - see its help
) -> None:
    """Behave as a frame on the wall does: ask HOST for a picture, draw it, or say why a real frame would fail.

    Without a port it asks at 8099; the unmodified AiFrame (--stock) over TLS at 443, as the real one does.
    """
    check_mixture(context)
    if kind not in (None, "provider") and provider:
        raise click.UsageError(f"--provider names one provider; it does not go with --type {kind}")
    if kind == "provider" and not provider:
        raise click.UsageError("--type provider needs --provider CODE")
    if stock and (kind or provider):
        raise click.UsageError("--stock asks for what the option stock_frames says, not for a --type or --provider")
    if not stock and (style or key):
        raise click.UsageError("--style and --key are for --stock")
    if tls and address.tls is False:
        raise click.UsageError("http:// and --tls do not go together")
    secure = tls or bool(address.tls)
    if swarm is not None:
        many = SwarmOptions(
            host=address.host,
            port=PORT if address.port is None else address.port,
            tls=secure,
            frames=swarm,
            type=kind or "auto",
            every=every,
            seconds=seconds,
            abort=abort,
            seed=random.SystemRandom().randrange(1_000_000) if seed is None else seed,
        )
        sys.exit(be_many(many))
    options = FrameOptions(
        host=address.host,
        port=(STOCK_PORT if stock and secure else PORT) if address.port is None else address.port,
        tls=secure,
        name=name,
        type=kind or ("provider" if provider else "ydart" if prompt else "auto"),
        provider=provider,
        prompt=prompt,
        negative=negative,
        stock=stock,
        style=style,
        key=key,
        save=save,
        save_jpeg=save_jpeg,
        sheet=sheet,
        watch=watch,
        every=every,
        fast=fast,
        size=size,
        timeout=timeout,
    )
    from imageserver.frame_client.conversation import run  # brings Pillow with it, which serving does not

    try:
        code = asyncio.run(run(options, click.echo))
    except KeyboardInterrupt:
        code = 0 if watch else 130
    sys.exit(code)
