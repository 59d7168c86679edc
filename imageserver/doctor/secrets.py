"""What a house has to hide: every secret, name and home that its options, files and environment hold."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from imageserver.certificates import inspect_certificate
from imageserver.config.model import Config
from imageserver.config.reader import parse
from imageserver.config.schema import secrets_in
from imageserver.config.values import Items, Node, Pairs, Scalar, looks_secret
from imageserver.doctor.masking import Discretion, hosts_in

_MOST = 256 * 1024  # bytes of a file that is looked at
_USERS = ("USER", "LOGNAME", "SUDO_USER", "USERNAME")


def discretion_of(config: Config, environment: Mapping[str, str], settings: Iterable[object]) -> Discretion:
    """Knows everything that is to be hidden here. Reads the owner's files; one that cannot be read hides nothing.

    `settings` are those of providers and extensions, whose fields say themselves what is secret in them.
    """
    secrets, names = set(_of_environment(environment)), set(_names(config, environment))
    secrets.update(secret for one in settings for secret in secrets_in(one))
    for key, text in _scalars(config):
        if looks_secret(key):  # `password_file` holds no secret, but names a file with one
            secrets.update(_in_file(config, text) if key.endswith("_file") else _parts(text))
        host, *user = hosts_in(text) or [""]
        names.add(host)
        secrets.update(user)
    for file in (*config.data.glob("*options*.json"), config.data / "server.json"):
        secrets.update(_in_json(file))
    return Discretion(secrets=secrets - {""}, names=names - {""}, homes=_homes(config, environment))


def _of_environment(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        if looks_secret(name) and len(value) > 3 and not _is_a_path(value):
            yield from _parts(value)
        yield from hosts_in(value)[1:]


def _is_a_path(value: str) -> bool:
    # One key in 64 begins like a path.
    return value.startswith("/") and os.path.lexists(value)


def _names(config: Config, environment: Mapping[str, str]) -> Iterator[str]:
    yield from (socket.gethostname(), environment.get("HOSTNAME", ""))
    yield from config.options.hosts
    yield from (environment.get(name, "") for name in _USERS)
    certificate = inspect_certificate(config.options.cert_path)
    if certificate is not None:
        yield from (name.removeprefix("*.") for name in certificate.names)
    for folder in (config.data, config.options.image_path):
        try:
            yield pwd.getpwuid(folder.stat().st_uid).pw_name
        except (OSError, KeyError):
            continue
    yield from (hosts_in(value)[0] for value in environment.values() if hosts_in(value))


def _homes(config: Config, environment: Mapping[str, str]) -> Iterator[Path]:
    homes = [environment.get("HOME", ""), os.path.expanduser("~")]  # noqa: PTH111 - pathlib raises without a home
    for name in _USERS:
        try:
            homes.append(pwd.getpwnam(environment.get(name, "")).pw_dir)
        except (KeyError, ValueError):
            continue
    with contextlib.suppress(OSError, KeyError):
        homes.append(pwd.getpwuid(config.data.stat().st_uid).pw_dir)
    yield from (Path(home) for home in homes if home.startswith("/"))


def _scalars(config: Config) -> Iterator[tuple[str, str]]:
    """Every value in the options with its key, whatever section it stands in and whether it is right or wrong."""
    text = _read(config.options_file)
    node, _ = parse(text, config.options_file.name)
    yield from _below(node, "")
    # A file that is no YAML still holds what its owner wrote.
    for key, value in re.findall(
        r"^[\s{,-]*\"?([\w.-]+)\"?\s*[:=]\s*(.+?)\s*[,}]*\s*$", text.decode("utf-8", "replace"), re.M
    ):
        yield key, value.strip("\"'")


def _below(node: Node | None, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Scalar):
        yield key, node.text
    elif isinstance(node, Items):
        for item in node.items:
            yield from _below(item, key)
    elif isinstance(node, Pairs):
        for name, value in node.pairs:
            # what stands below a secret key is secret, whatever it is called itself
            yield from _below(value, key if looks_secret(key) else name.text)


def _parts(text: str) -> Iterator[str]:
    """A secret, and what of it stands alone where somebody repeats it: `Bearer abc` is mostly told as `abc`."""
    yield text.strip()
    yield from (part for part in text.split() if len(part) > 5)


def _in_file(config: Config, named: str) -> Iterator[str]:
    path = Path(os.path.expanduser(named))  # noqa: PTH111 - as above
    text = _read(path if path.is_absolute() else config.data / path).decode("utf-8", "replace")
    yield from (line.strip() for line in text.splitlines()[:50])


def _in_json(file: Path) -> Iterator[str]:
    try:
        said = json.loads(_read(file))
    except (ValueError, RecursionError):
        return
    pending = [said]
    while pending:
        one = pending.pop()
        if isinstance(one, str) and not hosts_in(one):
            yield one
        elif isinstance(one, dict | list):
            pending.extend(one.values() if isinstance(one, dict) else one)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST)
    except OSError:
        return b""
