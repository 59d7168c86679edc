"""What a service answered, and what an answer that is no good means."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from attrs import field, frozen

from imageserver.calls.mask import Mask
from imageserver.errors import (
    AuthError,
    BadProviderRequest,
    BadResult,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    TransientError,
    UnreadableAnswer,
)

_READ = 2000  # bytes of a plain text; more than is shown of it
_MARKUP = re.compile(r"\s*<[a-z!?/]", re.IGNORECASE)  # a page or XML that is called a text says nothing readable


@frozen(kw_only=True)
class Reply:
    """A whole answer of a service, of any status."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # names in any case
    body: bytes = field(repr=False)
    host: str  # host and port that answered
    now: float = 0.0  # seconds since 1970, when it came
    mask: Mask = field(factory=Mask, repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status says that all is well."""
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """Content-Type in lower case, without its parameters; what a service says there need not be true."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def retry_after(self) -> float | None:
        """Retry-After in seconds from when the answer came; None where nothing sensible was said."""
        header = self.headers.get("Retry-After", "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", header, re.ASCII):
            return float(header)
        try:
            return max(0.0, parsedate_to_datetime(header).timestamp() - self.now)
        except (ValueError, OverflowError, TypeError):
            return None

    def json(self) -> Any:
        """The body as JSON. Raises UnreadableAnswer, a BadResult, for anything else."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            what = f" but {self.media_type}" if self.media_type and "json" not in self.media_type else ""
            raise UnreadableAnswer(f"the answer of {self.host} is no JSON{what}, or was cut off") from None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises UnreadableAnswer, a BadResult, for anything else."""
        read = self.json()
        if not isinstance(read, dict):
            raise UnreadableAnswer(f"the answer of {self.host} is no JSON object")
        return read

    @property
    def words(self) -> str:
        """What the service says went wrong, on one line without secrets; empty where it says nothing readable."""
        try:
            said = _message(json.loads(self.body))
        except (ValueError, RecursionError):
            said = self._plain_text
        return self.mask.line(said)

    @property
    def _plain_text(self) -> str:
        text = self.body[:_READ].decode("utf-8-sig", errors="replace") if self.media_type == "text/plain" else ""
        return "" if _MARKUP.match(text) else text

    def error(
        self, kind: type[ProviderError] | None = None, sentence: str = "", *, charged: bool | None = None
    ) -> ProviderError:
        """The error to raise for an answer that is no good; its class is `kind`, or what the status stands for.

        The service's own words are added to the sentence.
        """
        usual, meaning = _MEANINGS.get(self.status, _meaning_of_others(self.status))
        text = (sentence or meaning).format(host=self.host, status=self.status)
        said = f' (it said: "{self.words}")' if self.words else ""
        kind = kind or usual
        retry_after = self.retry_after if issubclass(kind, RateLimited | TransientError) else None
        return kind(text + said, retry_after=retry_after, charged=charged)


_Meaning = tuple[type[ProviderError], str]

_MEANINGS: dict[int, _Meaning] = {
    401: (AuthError, "{host} does not accept the key or password"),
    402: (PaymentRequired, "{host} wants to be paid first: no money or quota is left"),
    403: (PermissionDenied, "{host} does not allow this with the key that it was given"),
    404: (BadProviderRequest, "{host} knows no such address: check the settings"),
    408: (TransientError, "{host} waited too long for the request"),
    410: (BadProviderRequest, "{host} no longer has what was asked for"),
    429: (RateLimited, "{host} was asked too often: wait"),
}


def _meaning_of_others(status: int) -> _Meaning:
    if status >= 500 or status < 200:
        return TransientError, "{host} is in trouble (HTTP {status})"
    if status >= 400:
        return BadProviderRequest, "{host} did not understand the request (HTTP {status})"
    if status >= 300:
        # who took the money before sending us on, nobody knows
        return TransientError, "{host} sends us to another address, which is not followed: check the address"
    return BadResult, "the answer of {host} cannot be used (HTTP {status})"


def _message(read: object) -> str:
    """The sentence in an error's JSON: services hide it under one of these names.

    `error` stands behind the others because beside one of them it is a label for programs: "HTTPException".
    """
    if isinstance(read, str):
        return read
    if isinstance(read, list):
        return "; ".join(filter(None, map(_message, read[:5])))
    if isinstance(read, dict):
        for name in ("message", "detail", "errors", "error", "msg", "description"):
            said = _message(read.get(name))
            if said:
                return said
    return ""
