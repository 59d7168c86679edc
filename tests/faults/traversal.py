"""Strings that lead out of a folder where somebody joins them to its path, and raw requests with them."""

from __future__ import annotations

import http.client
import itertools
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import define, field

HANG_LIMIT = 60.0  # seconds; nothing here takes a fraction of it
_UP = ("..", "%2e%2e", ".%2E", "%252e%252e", "%c0%ae%c0%ae", "..%00", "....", "%uff0e%uff0e", "..;")
_BETWEEN = ("/", "%2f", "\\", "%5C", "%252f", "%c0%af", "//", "/./", "%e2%88%95", "\\/")
_DEPTHS = (1, 3, 9)


def strings(outside: Path) -> list[str]:
    """More than five hundred of them, which a careless server would take for the path of `outside` or a known file."""
    name, whole = outside.name, str(outside)
    found = [
        between.join([up] * depth + target.split("/"))
        for up, between, depth in itertools.product(_UP, _BETWEEN, _DEPTHS)
        for target in (name, "etc/passwd")
    ]
    for path in (whole, "/etc/passwd", f"{outside.parent}/data/options.yml"):
        found += [path, path[1:], f"/{path}", path.replace("/", "%2f"), path.replace("/", "%252F"), f"file://{path}"]
        found += [path.replace("/", "\\"), f"{path}%00", f"{path}%00.jpg", f"{path}\0.jpg", f"x{'/..' * 12}{path}"]
        found += [
            f"x{'%2f..' * 12}{path.replace('/', '%2f')}",
            f"{path}/",
            f"{path}/.",
            f"{path}?",
            f"{path}#",
            f"~{path}",
        ]
    found += [
        f"..%2f{name}%20",
        f"..%2f{name}.",
        f"..%2f{name}::$DATA",
        "C:%5Cboot.ini",
        "%5C%5Chost%5Cshare",
        "CON",
        "%00",
    ]
    found += [
        "\0",
        ".",
        "..",
        "...",
        "%2e",
        "%2e%2e",
        "%2e%2e%2f",
        "..%5c",
        "%",
        "%2",
        "%zz",
        "%ff",
        "\udcff",
        "％2e％2e",
    ]
    found += ["../" * 2000 + name, "%2e%2e%2f" * 800 + name, "a" * 7000, "a/" * 3000, "{id}", "*", "?", "..*", "$HOME"]
    return list(dict.fromkeys(found))


@define
class Answered:
    """What came back on all the requests of one asker."""

    bodies: list[bytes] = field(factory=list)
    statuses: list[int] = field(factory=list)

    @property
    def everything(self) -> bytes:
        """Heads and bodies."""
        return b"\n".join(self.bodies)


def requests(route: str, attacks: Sequence[str]) -> Iterator[str]:
    """The route with each of the strings in the place of its last part, and of what stands in braces."""
    before, _, rest = route.partition("{")
    after = rest.partition("}")[2]
    for attack in attacks:
        yield before + attack + after


def asked_raw(port: int, method: str, targets: Iterator[str], headers: dict[str, str]) -> Answered:
    """Each target as it stands, with not a byte changed on its way. Blocks."""
    answered, sock = Answered(), None
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "127.0.0.1", **headers}.items())
    body = "Content-Length: 2\r\n\r\n{}" if method != "GET" else "\r\n"
    for target in targets:
        for _attempt in range(2):  # a kept connection may have been closed behind the last answer
            sock = sock or socket.create_connection(("127.0.0.1", port), HANG_LIMIT)
            answer = http.client.HTTPResponse(sock, method=method)
            try:
                sock.sendall(f"{method} {target} HTTP/1.1\r\n{lines}{body}".encode("utf-8", "surrogateescape"))
                answer.begin()
                answered.bodies.append(str(answer.headers).encode("utf-8", "replace") + answer.read())
            except (http.client.RemoteDisconnected, ConnectionError):
                sock.close()
                sock = None
                continue
            answered.statuses.append(answer.status)
            if answer.will_close:
                sock.close()
                sock = None
            break
        else:
            answered.statuses.append(0)  # thrown out without a word
    if sock is not None:
        sock.close()
    return answered
