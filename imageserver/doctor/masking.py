"""What must not leave the house is taken out of every text that a report shows.

A report is pasted into a forum. So no key, token or password, no address on the internet, no name of a computer or of a
person: known ones are replaced wherever they stand, and in the words of strangers, which may repeat anything, whatever
looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from imageserver.calls import Mask

HIDDEN = "***"
ADDRESS, NAME, HOST = "[address]", "[name]", "[host]"
_AT_HOME = [
    ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16")
]  # addresses that every house has
# names that tell nothing about anybody
_NOBODY = {"localhost", "root", "admin", "user", "nobody", "imageserver", "raspberrypi", "server", "frames", "images"}

_V4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d]|\.\d)")
_V6 = re.compile(
    r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]{1,4})?(?:%\w+)?(?![\w:])"
)
_MAC = re.compile(r"(?<![\w:-])(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}(?![\w:-])")
_HOME = re.compile(r"/(?:home|Users|var/home|media|run/media)/[^/\s\"':,;]+")
_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>()\[\]]*(?:\[[0-9a-fA-F:.]+\][^\s\"'<>()\[\]]*)?")
_MAIL = re.compile(r"[^\s\"'<>()=:/]+@[^\s\"'<>()/]+")
_DOTTED = re.compile(r"(?<![\w/@.\\-])(?:[^\W_][\w-]*\.)+[^\W\d_]{2,}(?![\w-])\.?")
_FILES = re.compile(
    r"\.(?:ya?ml|json|py|pem|log|sqlite|jpe?g|png|txt|gz|toml|cfg|conf|bak|old|lock|md)\.?$", re.IGNORECASE
)
_SAID = re.compile(
    r"\b((?:[\w-]*(?:key|token|secret|passw(?:or)?d|pwd|authorization|cookie|session|signature)\w*)"
    r"[\"']?\s*[:=]\s*[\"']?|(?:bearer|basic|api-key|digest)\s+)(?:(?:bearer|basic|api-key)\s+)?[^\s\"',;&)]+",
    re.IGNORECASE,
)
_OPAQUE = re.compile(r"[A-Za-z0-9_+=~-]{12,}")


class Discretion:
    """Knows what this house's owner does not want to tell. Called with a text it returns the text without that."""

    def __init__(self, *, secrets: Iterable[str], names: Iterable[str], homes: Iterable[Path]) -> None:
        self._mask = Mask(secrets)
        told = {name for name in (name.strip(".").casefold() for name in names) if not _is_address(name)}
        short = {name.partition(".")[0] for name in told if "." in name}
        every = sorted(
            {name for name in told if len(name) > 1} | {name for name in short if len(name) > 3}, key=len, reverse=True
        )
        every = [name for name in every if name not in _NOBODY]
        self._names = re.compile(
            rf"(?<![^\W_])(?:{'|'.join(map(re.escape, every))})(?![^\W_])" if every else r"(?!)", re.IGNORECASE
        )
        self._homes = sorted({str(home) for home in homes if len(home.parts) > 1}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """One of our own texts: paths, names of frames, places in files."""
        text = self._mask(_printable(text))
        for home in self._homes:
            text = re.sub(rf"{re.escape(home)}(?![^/\s\"':,;])", "~", text)
        text = _HOME.sub("~", text)
        text = _MAC.sub(ADDRESS, text)
        text = _V6.sub(lambda found: _address(found[0]), text)  # first: one of IPv4 may be its end
        text = _V4.sub(lambda found: _address(found[0]), text)
        return self._names.sub(NAME, text)

    def strangers(self, text: str, most: int = 300) -> str:
        """The words of a service, a plugin or an exception."""
        text = self._mask(_printable(text))
        text = _URL.sub(lambda found: _url(found[0]), text)
        text = _SAID.sub(lambda found: found[1] + HIDDEN, text)
        text = _MAIL.sub(HIDDEN, text)
        text = _DOTTED.sub(lambda found: found[0] if _FILES.search(found[0]) else HOST, text)
        text = _OPAQUE.sub(lambda found: HIDDEN if _is_opaque(found[0]) else found[0], text)
        text = " ".join(self(text).split())
        return text if len(text) <= most else text[:most] + "…"

    def problem(self, text: str) -> str:
        """What is wrong in the owner's file. What stands there in quotes may be a key on the wrong line."""
        return self.strangers(re.sub(r"\"[^\"]*\"|“[^”]*”|(?<!\w)'[^']*'(?!\w)", '"…"', text))


def hosts_in(text: str) -> list[str]:
    """The host of a web address, and its user and password, as far as there are any."""
    try:
        parts = urlsplit(text)
        found = [parts.hostname, parts.username, parts.password]
    except ValueError:
        return []
    return [one for one in found if one] if parts.netloc else []


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _address(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:  # a version, a time
        return text
    if address.version == 6:
        return text if address.is_loopback or address.is_unspecified else ADDRESS
    return text if address.is_unspecified or any(address in network for network in _AT_HOME) else ADDRESS


def _url(text: str) -> str:
    """Scheme, and host where every house has one like it."""
    scheme = text.partition("://")[0]
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"{scheme}://{HOST}"
    is_homely = host == "localhost" or (_V4.fullmatch(host) and _address(host) == host)
    where = f"{host if is_homely else HOST}{f':{port}' if port else ''}"
    return f"{scheme}://{where}{'/…' if parts.path.strip('/') or parts.query or parts.fragment else ''}"


def _is_opaque(word: str) -> bool:
    """Whether a word looks like a key: letters with digits, or longer than words are."""
    digits = sum(letter.isdigit() for letter in word)
    letters = sum(letter.isalpha() for letter in word)
    return (digits >= 2 and letters >= 2 and len(word) >= 16) or digits >= 10 or (len(word) >= 32 and "-" not in word)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
