"""What the service says when it does not draw, as one of the server's errors and one sentence for the owner.

Two shapes of errors are in use, both are read: the older `{"error": "…", "code": <gRPC code>, "message": "…"}` and
`{"error": {"message", "type", "code", "param"}}` of the images interface.
"""

from __future__ import annotations

import json
import re

from attrs import frozen

from imageserver import (
    AuthError,
    BadProviderRequest,
    Mask,
    ModelGone,
    ModerationRefused,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    TransientError,
)

ROLE = "ai.imageGeneration.user"
SCOPE = "yc.ai.imageGeneration.execute"
_INVALID, PRECONDITION = 3, 9  # google.rpc.Code
_STATUS_OF_CODE = {_INVALID: 400, 4: 504, 5: 404, 7: 403, 8: 429, PRECONDITION: 400, 12: 501, 13: 500, 14: 503, 16: 401}

# The refusals of moderation change with the models; these are hints only, the rule is in `_bad_request`.
_MODERATED = re.compile(
    r"violate the terms|не могу сгенерировать|другую тему|moderation|content.?policy|unsafe|prohibited", re.IGNORECASE
)
_FOLDER = re.compile(r"folder id|does not match with service account", re.IGNORECASE)
_MODEL = re.compile(
    r"model.?ur[il]|access to model|parse model|model_not_found|unknown model|no such model", re.IGNORECASE
)
_MONEY = re.compile(r"billing|balance|payment|insufficient|not enough (money|funds)|\btrial\b|\bgrant\b", re.IGNORECASE)
_PARAMETER = re.compile(
    r"exceeds|too long|prompt positive|aspect|mime|\bseed\b|\bsize\b|quality|output_format|response_format|"
    r"\bmessages?\b|unknown (field|name|parameter)|unmarshal|syntax error|invalid character|invalid json|required|"
    r"must be|unsupported|proto:",
    re.IGNORECASE,
)


@frozen(kw_only=True)
class Refusal:
    """An answer that is no picture."""

    status: int  # of HTTP, or what stands for it in the error of an operation
    code: int | None = None  # google.rpc.Code
    message: str = ""  # the service's own words, on one line, without the key
    label: str = ""  # type, code and param of the images interface
    has_param: bool = False
    is_yandex: bool = False  # the body is one of the two shapes, so the service itself said it
    retry_after: float | None = None

    @property
    def words(self) -> str:
        """What to look for hints in."""
        return f"{self.message} {self.label}"


def read_refusal(status: int, body: bytes, *, mask: Mask, retry_after: float | None = None) -> Refusal:
    """An HTTP answer other than 200. Never raises; a body of any other shape just says nothing."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        read = None
    inner = read.get("error") if isinstance(read, dict) else None
    if isinstance(read, dict) and isinstance(inner, str):
        code, message = _int(read.get("code")), read.get("message")
        return Refusal(
            status=status,
            code=code,
            message=mask.line(message if isinstance(message, str) and message else inner),
            is_yandex=code is not None,
            retry_after=retry_after,
        )
    if isinstance(inner, dict) and isinstance(inner.get("message"), str):
        return Refusal(
            status=status,
            code=_int(inner.get("code")),
            message=mask.line(inner["message"]),
            label=mask.line(" ".join(str(inner[name]) for name in ("type", "code") if inner.get(name) is not None)),
            has_param=bool(inner.get("param")),
            is_yandex=True,
            retry_after=retry_after,
        )
    return Refusal(status=status, retry_after=retry_after)


def read_operation_error(error: object, *, mask: Mask) -> Refusal | None:
    """The `error` of an operation, or None when there is none: one with code 0 comes with good pictures too."""
    if not isinstance(error, dict):
        return None
    code = _int(error.get("code"))
    if code is None or code <= 0:
        return None
    message = error.get("message")
    status = _STATUS_OF_CODE.get(code, 500)
    return Refusal(status=status, code=code, message=mask.line(str(message or "")), is_yandex=True)


def as_error(refusal: Refusal, *, model: str, key_place: str) -> ProviderError:
    """The error to raise. `model` is what was asked for, `key_place` the file where the owner writes the keys.

    Free of charge is what these classes usually are, and an internal error that the service reports itself; all else
    counts as paid, because nobody can know.
    """
    status = refusal.status
    if status in (500, 503) and refusal.is_yandex:
        kind: type[ProviderError] = TransientError
        sentence, charged = "the service has an internal error, which it does not charge: wait", False
    else:
        kind, sentence = _meaning(refusal)
        charged = kind.usually_charged
    sentence = sentence.format(status=status, model=model, key_place=key_place)
    said = f' (it said: "{refusal.message}")' if refusal.message else ""
    return kind(sentence + said, retry_after=refusal.retry_after if status == 429 else None, charged=charged)


_Meaning = tuple[type[ProviderError], str]

_MODERATION: _Meaning = (ModerationRefused, "the service will not draw this prompt: try another one")
_NOT_UNDERSTOOD: _Meaning = (BadProviderRequest, "the service did not understand the request")
_NO_MONEY: _Meaning = (
    PaymentRequired,
    "no money is left, or the billing account is not active: top it up in the console under Billing",
)
_MEANINGS: dict[int, _Meaning] = {
    401: (
        AuthError,
        f"the service does not accept the API key: it is wrong, or lacks the scope {SCOPE}; make one with that scope "
        "and write it into {key_place}",
    ),
    402: _NO_MONEY,
    403: (
        PermissionDenied,
        f"the service account lacks the role {ROLE} on the folder, or the API key lacks the scope {SCOPE}",
    ),
    404: (ModelGone, "the service knows no model {model}, or not this address: check model and base_url"),
    429: (RateLimited, "the quota of the cloud folder is used up for now: wait, or ask Yandex for a larger one"),
}
# Looked for in this order, before the meaning of the status alone.
_HINTS: tuple[tuple[int, re.Pattern[str], _Meaning], ...] = (
    (400, _MODERATED, _MODERATION),
    (
        400,
        _FOLDER,
        (PermissionDenied, "the API key belongs to another folder than folder_id says: correct it in {key_place}"),
    ),
    (400, _MODEL, (ModelGone, "the service does not understand the model {model}: check model and folder_id")),
    (400, _MONEY, _NO_MONEY),
    (400, _PARAMETER, _NOT_UNDERSTOOD),
    (
        401,
        re.compile("expired", re.IGNORECASE),
        (
            AuthError,
            f"the API key has expired: make a new one with the scope {SCOPE} and write it into {{key_place}}",
        ),
    ),
    (
        403,
        re.compile("access to model", re.IGNORECASE),
        (
            ModelGone,
            "the service refuses the model {model}: it was retired (then set model), or the service account lacks the "
            f"role {ROLE}",
        ),
    ),
    (403, _MONEY, _NO_MONEY),
)


def _meaning(refusal: Refusal) -> _Meaning:
    status, code = refusal.status, refusal.code
    if status == 400 and code == PRECONDITION:
        return ModelGone, "the model {model} is not offered by this interface: try the other transport"
    for its_status, hint, meaning in _HINTS:
        if status == its_status and hint.search(refusal.words):
            return meaning
    if status == 400:
        # The texts of moderation change, those about parameters are known: what is none of the latter is the former.
        says_why = bool(refusal.message) and not refusal.has_param and code in (None, _INVALID)
        return _MODERATION if says_why else _NOT_UNDERSTOOD
    if 300 <= status < 400:
        return TransientError, "the service sent us to another address, which is never followed: check base_url"
    return _MEANINGS.get(
        status, (TransientError, "the service answered with HTTP {status} and may have charged for it")
    )


def _int(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
