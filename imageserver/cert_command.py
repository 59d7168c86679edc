"""`imageserver cert`: make the certificate that HTTPS needs."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address

import click

from imageserver.addresses import reachable_host
from imageserver.certificates import make_certificate
from imageserver.clock import SystemClock
from imageserver.commands import load_config


def parse_name(text: str) -> str:
    """A host name, in the letters that certificates have. Raises click.BadParameter."""
    try:
        name = text.rstrip(".").encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not re.fullmatch(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", name):
        raise click.BadParameter(f'"{text}" is no host name, such as frames.lan')
    return name


def parse_address(text: str) -> IPv4Address | IPv6Address:
    """An IP address. Raises click.BadParameter."""
    try:
        return ip_address(text)
    except ValueError:
        raise click.BadParameter(f'"{text}" is no address, such as 192.168.1.5') from None


@click.command("cert")
@click.option("--data", metavar="DIR", help="The data folder. Otherwise IMAGESERVER_DATA, else var/data.")
@click.option(
    "--name", "names", type=parse_name, metavar="NAME", multiple=True, help="A name of the server; repeatable."
)
@click.option("--ip", "addresses", type=parse_address, metavar="ADDRESS", multiple=True, help="An address; repeatable.")
@click.option("--rsa", is_flag=True, help="RSA-2048 instead of P-256.")
@click.option("--days", type=click.IntRange(1, 36500), default=3650, show_default=True, help="How long it is valid.")
@click.option("--force", is_flag=True, help="Replace a certificate that is there; the old one is kept as *.old.")
@click.option("--keep-key", is_flag=True, help="Make a new certificate for the key that is there.")
def cert_command(
    *,
    data: str | None,
    names: tuple[str, ...],
    addresses: tuple[IPv4Address | IPv6Address, ...],
    rsa: bool,
    days: int,
    force: bool,
    keep_key: bool,
) -> None:
    """Make a certificate for HTTPS; without --name and --ip for all names and addresses of this machine."""
    options = load_config(data, {"data": data}).options
    is_guessed = not names and not addresses
    if is_guessed:
        names, addresses = own_names(socket.gethostname()), own_addresses(options.host)
    made = make_certificate(
        options.cert_path,
        names=names,
        addresses=addresses,
        now=datetime.fromtimestamp(SystemClock().now(), UTC),
        kind="rsa2048" if rsa else "p256",
        days=days,
        force=force,
        keep_key=keep_key,
    )
    click.echo(f"Certificate: {made.certificate}, valid until {made.until:%Y-%m-%d}")
    click.echo(f"Key:         {made.key}, {'the one that was there' if keep_key else 'readable by its owner only'}")
    click.echo(f"Made for:    {', '.join([*names, *map(str, addresses)])}")
    if made.kept:
        click.echo(f"Old files:   {', '.join(map(str, made.kept))}")
    if is_guessed and not addresses:
        click.echo("Note:        no address of this machine is known here; give those that frames use with --ip")
    click.echo("Next:        a running server takes it over within a minute. Frames and browsers then use HTTPS on the")
    click.echo("             port they know. A browser warns once, because nobody but you vouches for the certificate.")


def own_names(host_name: str) -> tuple[str, ...]:
    """What this machine is called, here and in the network."""
    local = f"{host_name.partition('.')[0]}.local"
    names = [name for name in (host_name, local) if re.fullmatch(r"[A-Za-z0-9._-]+", name) and name != ".local"]
    return tuple(dict.fromkeys([*names, "localhost"]))


def own_addresses(listening_on: str) -> tuple[IPv4Address | IPv6Address, ...]:
    """Under which addresses frames find it; none where that cannot be known."""
    host = reachable_host(listening_on)
    try:
        return (ip_address(host),) if host else ()
    except ValueError:  # a name
        return ()
