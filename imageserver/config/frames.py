"""What stands under `frames: {name: …}`: the frames that the owner gave a name, and what cannot be true of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address

from attrs import evolve, frozen

from imageserver.config.model import FrameOptions, Options
from imageserver.config.schema import Place, read_mapping
from imageserver.config.values import Node, Pairs, Scalar, shorten, shown
from imageserver.errors import Problem

_LONGEST_NAME = 40
_NAME = re.compile(r"[\w-]+")  # a part of addresses, and no address of a frame itself: without points and colons


@frozen(kw_only=True)
class NamedFrame:
    """A frame of the owner's file."""

    name: str
    line: int
    options: FrameOptions


def read_frames(node: Node | None, place: Place) -> tuple[list[NamedFrame], list[Problem]]:
    """The frames in the owner's order, and every problem with one of them alone."""
    pairs = node.pairs if isinstance(node, Pairs) else ()
    found = next((value for key, value in pairs if key.text == "frames"), None)
    if found is None or (isinstance(found, Scalar) and found.kind == "null"):
        return [], []
    if not isinstance(found, Pairs):
        return [], [place.problem(found.line, "frames", f"expected names of frames with a colon, got {shown(found)}")]
    frames: list[NamedFrame] = []
    problems: list[Problem] = []
    lines: dict[str, int] = {}
    section = place.below("frames", found.line)
    for key, value in found.pairs:
        first = lines.setdefault(key.text.lower(), key.line)
        if first != key.line:
            problems.append(section.problem(key.line, key.text, f"stands here again; the first is in line {first}"))
            continue
        if why := why_no_name(key.text):
            problems.append(section.problem(key.line, key.text, why))
            continue
        bare = isinstance(value, Scalar) and value.kind == "null"
        options, wrong = read_mapping(FrameOptions, None if bare else value, section.below(key.text, key.line))
        problems += wrong
        if options is not None:
            addresses = tuple(map(_plain, options.address))
            frames.append(NamedFrame(name=key.text, line=key.line, options=evolve(options, address=addresses)))
    return frames, problems


def why_no_name(name: str) -> str | None:
    """Why a frame cannot be called so; None when it can."""
    if len(name) <= _LONGEST_NAME and _NAME.fullmatch(name):
        return None
    return f'a name has letters, digits, "_" and "-", at most {_LONGEST_NAME}'


def _plain(address: str) -> str:
    """As the server sees it: an IPv4 address written as an IPv6 one is the same."""
    read = ip_address(address)
    mapped = read.ipv4_mapped if isinstance(read, IPv6Address) else None
    return str(mapped or read)


def check_frames(frames: Sequence[NamedFrame], options: Options, place: Place) -> list[Problem]:
    """What two frames, or a frame and the server, cannot both have."""
    problems: list[Problem] = []
    ports = {options.port: "the server itself"}
    if options.https_port is not None:
        if options.https_port == options.port != 0:
            problems.append(place.problem(place.line, "https_port", f"{options.port} is used by port already"))
        ports[options.https_port] = "https_port"
    addresses: dict[str, str] = {}
    for frame in frames:
        name, port = shorten(frame.name), frame.options.port
        where = evolve(place, path=f"frames.{name}")
        if port is not None and port in ports:
            problems.append(where.problem(frame.line, "port", f"{port} is used by {ports[port]} already"))
        elif port is not None:
            ports[port] = f"frames.{name}"
        for address in () if port is not None else frame.options.address:  # the port tells it apart already
            if address in addresses:
                message = f"{address} is the address of frames.{addresses[address]} already; give one of them a port"
                problems.append(where.problem(frame.line, "address", message))
            addresses.setdefault(address, name)
    return problems
