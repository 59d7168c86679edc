"""Compares what the server answers with openapi.yaml: every answer that a test reads through its client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import aiohttp
from attrs import frozen
from multidict import CIMultiDict
from openapi_core import OpenAPI
from ruamel.yaml import YAML

from imageserver.web.description import FILE

HERE = "http://described"
METHODS = ("get", "head", "post", "put", "patch", "delete")
_ONE, _ANY = re.compile(r"\\\{\w+\\\}"), re.compile(r"\\\{uuid\\\}")
_DIGITS = re.compile(rb"\d+")
_seen = set[int]()


@cache
def description() -> dict[str, Any]:
    """The file, as plain values."""
    parsed: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE)
    return parsed


@cache
def _rules() -> OpenAPI:
    return OpenAPI.from_dict(description() | {"servers": [{"url": HERE}]})


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    """A pattern for each path of the file; those without a parameter first, as the server itself looks for them."""
    paths = sorted(description()["paths"], key=lambda path: ("{" in path, path))
    return [(re.compile(_ONE.sub("[^/]+", _ANY.sub(".*", re.escape(path)))), path) for path in paths]


def described(method: str, path: str) -> str | None:
    """The path of the file that an address belongs to; None for a route that is not there."""
    for pattern, known in _paths():
        if pattern.fullmatch(path) and method.lower() in description()["paths"][known]:
            return known
    return None


@frozen(kw_only=True)
class _Asked:
    """A request, as openapi-core looks at it. Only answers are judged: tests send much that is wrong on purpose."""

    host_url: str = HERE
    path: str
    method: str
    content_type: str = ""
    body: bytes | None = None
    parameters: ClassVar[None] = None


@frozen(kw_only=True)
class _Answered:
    data: bytes | None
    status_code: int
    content_type: str
    headers: Mapping[str, str]


def judge(method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raise AssertionError where an answer is not what the file says of it. What is no route of ours is passed over."""
    known = described(method, path)
    if known is None:
        return
    content_type = headers.get("Content-Type", "").partition(";")[0]
    # A test that asks until something has happened reads hundreds of answers that differ in their figures only, and
    # judging takes more of the machine than making them: of the same answer with other figures one is judged.
    shape = hash((method, known, status, content_type, tuple(sorted(headers)), _DIGITS.sub(b"0", body)))
    if shape in _seen:
        return
    _judge(method, known, status, headers, body, content_type)
    _seen.add(shape)


def _judge(method: str, known: str, status: int, headers: Mapping[str, str], body: bytes, content_type: str) -> None:
    asked = _Asked(path=re.sub(r"\{\w+\}", "x", known), method=method.lower())
    answered = _Answered(data=body or None, status_code=status, content_type=content_type, headers=CIMultiDict(headers))
    try:
        _rules().validate_response(asked, answered)  # type: ignore[arg-type]  # it asks for more than it looks at
    except Exception as error:
        cause = error.__cause__ or error
        problems = [f"{one.json_path}: {one.message[:200]}" for one in getattr(cause, "schema_errors", ())]
        said = f"{method} {known} answered {status} {content_type}: {str(cause)[:300]} {problems}"
        raise AssertionError(f"openapi.yaml says otherwise: {said}") from error


class JudgedAnswer(aiohttp.ClientResponse):
    """An answer that is compared with openapi.yaml as soon as a test has read it whole."""

    async def read(self) -> bytes:
        is_first = self._body is None
        body = await super().read()
        if is_first:
            judge(self.method, self.request_info.url.path, self.status, self.headers, body)
        return body
