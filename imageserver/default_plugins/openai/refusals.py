"""What the service's errors mean. Look-alikes differ in their shape, so codes, statuses and words all count."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from imageserver import (
    AuthError,
    BadProviderRequest,
    ModelGone,
    ModerationRefused,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Reply,
)

# Refused before anything was drawn. Of other statuses nobody knows whether the picture was begun, and charged.
_FREE = {400, 401, 402, 403, 404, 429}

_CODES: dict[str, tuple[type[ProviderError], str]] = {
    "invalid_api_key": (AuthError, "{host} does not know the API key"),
    "insufficient_quota": (PaymentRequired, "no money or quota is left on the account at {host}"),
    "billing_hard_limit_reached": (PaymentRequired, "the account at {host} has reached its spending limit"),
    "moderation_blocked": (ModerationRefused, "{host} will not draw this prompt"),
    "content_policy_violation": (ModerationRefused, "{host} will not draw this prompt"),
    "model_not_found": (ModelGone, "{host} does not have the model, or not any more: change model"),
}
_WORDS = (  # where a look-alike leaves the code out, and only with a status that refuses the request itself
    (re.compile(r"safety system|content policy", re.IGNORECASE), "moderation_blocked"),
    (
        re.compile(r"model\b.*\b(does not exist|not found|deprecated|retired|no longer)", re.IGNORECASE),
        "model_not_found",
    ),
)
_UNTAKEN = {  # fields that some services refuse
    "size": "{host} does not take the size: change size, or write send_size: false",
    "response_format": "{host} does not take response_format: write send_response_format: false",
    "quality": "{host} does not take the quality: change quality, or take it out",
}
_UNVERIFIED = "{host} wants the organization to be verified first: do that in the settings of your account there"


@frozen(kw_only=True)
class _Refusal:
    codes: tuple[str, ...]  # and the type, which holds the same names
    param: str


def as_error(reply: Reply) -> ProviderError:
    """The error for an answer whose status is no good."""
    kind, sentence = _meaning(reply, _read(reply.body))
    error = reply.error(kind, sentence, charged=reply.status not in _FREE)
    if isinstance(error, RateLimited):
        error.retry_after = _milliseconds(reply.headers) or error.retry_after
    return error


def _meaning(reply: Reply, refusal: _Refusal) -> tuple[type[ProviderError] | None, str]:
    code = _code_of(reply, refusal)
    if code:
        return _CODES[code]
    if reply.status == 403 and "verified" in reply.words:
        return PermissionDenied, _UNVERIFIED
    if reply.status == 404:
        return BadProviderRequest, "{host} has no interface for pictures at this address: check base_url"
    if reply.status == 400:
        for name, sentence in _UNTAKEN.items():
            if refusal.param == name or re.search(rf"\b{name}\b", reply.words):
                return BadProviderRequest, sentence
    return None, ""  # the status says it all


def _code_of(reply: Reply, refusal: _Refusal) -> str:
    """The code of ours that fits: as the service gave it, or by what it says. Empty for none."""
    given = next((code for code in refusal.codes if code in _CODES), "")
    if given or reply.status not in {400, 403, 404}:
        return given
    said = next((code for pattern, code in _WORDS if pattern.search(reply.words)), "")
    return said or ("model_not_found" if refusal.param == "model" else "")


def _read(body: bytes) -> _Refusal:
    """Codes and the refused field of `{"error": {"code", "type", "param"}}`, or of `{"code", "error": "words"}`."""
    try:
        read: object = json.loads(body)
    except (ValueError, RecursionError):
        read = None
    outer: dict[str, Any] = read if isinstance(read, dict) else {}
    inner = outer.get("error")
    error = inner if isinstance(inner, dict) else outer
    codes = (error.get("code"), error.get("type"))
    return _Refusal(
        codes=tuple(code.lower() for code in codes if isinstance(code, str)), param=str(error.get("param") or "")
    )


def _milliseconds(headers: Mapping[str, str]) -> float | None:
    """OpenAI's own `retry-after-ms`, in seconds."""
    header = headers.get("retry-after-ms", "").strip()
    return float(header) / 1000 if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", header, re.ASCII) else None
