"""What a value in the owner's options may be, each limit with the sentence that is said when it is not kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

from attrs import Attribute

from imageserver.panel.profiles import profiles

Check = Callable[[Any, "Attribute[Any]", Any], Any]


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


def is_five_field_cron(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    """A cron expression with five fields."""
    # The last word on a cron expression (has it a next date?) is the schedule's; the reader asks it.
    if len(value.split()) != 5:
        raise ValueError('a cron expression has five fields: minute, hour, day, month, weekday, like "0 3 * * *"')


def are_codes(_instance: object, _attribute: Attribute[Any], value: tuple[str, ...]) -> None:
    """Codes of providers."""
    for code in value:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", code):
            raise ValueError(f'"{code}" is no provider code: letters, digits, "_" and "-"')


def is_panel(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    """The name of a panel, or None."""
    if value is not None and value not in profiles():
        raise ValueError(f'expected one of {", ".join(profiles())}, got "{value}"')


def are_codes_if_given(instance: object, attribute: Attribute[Any], value: tuple[str, ...] | None) -> None:
    """Codes of providers, at least one, or None."""
    if value is not None:
        if not value:
            raise ValueError("name at least one provider, or leave the key out for all of them")
        are_codes(instance, attribute, value)


def is_language(_instance: object, _attribute: Attribute[Any], value: str | None) -> None:
    """A language, or None."""
    if value is not None and not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", value, re.ASCII):
        raise ValueError("expected a language in small letters, such as en, de or pt-br")


def are_host_names(_instance: object, _attribute: Attribute[Any], value: tuple[str, ...]) -> None:
    """Names of this server, without scheme and port."""
    for name in value:
        if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", name):
            raise ValueError(f'expected a name such as frames.example.org, without http:// and a port, got "{name}"')


def are_networks(_instance: object, _attribute: Attribute[Any], value: tuple[str, ...]) -> None:
    """Addresses or networks, none of them the whole world."""
    for text in value:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f'expected an address or a network such as 172.18.0.0/16, got "{text}"') from None
        if network.prefixlen == 0:
            raise ValueError(f'"{text}" is everybody: name the addresses of the proxies only')


def are_addresses(_instance: object, _attribute: Attribute[Any], value: tuple[str, ...]) -> None:
    """Addresses."""
    for text in value:
        try:
            ip_address(text)
        except ValueError:
            raise ValueError(f'expected an address such as 192.168.1.20, got "{text}"') from None
