"""What the real YandexART refuses, with its words: key, folder, model, prompt, size, and keys that it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

IMAGES_MODEL = "aliceai-image-art-3.0"
ASYNC_MODEL = "yandex-art-2.0"
LONGEST = 500  # code points
SIZES = {"1024x1024", "1024x1536", "1536x1024", "1536x768", "1792x1024", "1344x1024", "1024x1280"}
DENIED = "Access to model art://yandex-art/latest denied"

_IMAGES_KEYS = {"model", "prompt", "size", "n", "quality", "output_format", "response_format"}
_ASYNC_KEYS = {"modelUri", "messages", "generationOptions"}


@frozen(kw_only=True)
class Account:
    """The one customer that the fake has."""

    folder_id: str = "b1gfakefolder0000001"
    api_key: str = "AQVNfakekey_0123456789abcdefghijklmnopq-XYZ"


class Refused(Exception):
    """An error answer."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.status, self.body = status, body


def flat(status: int, code: int, message: str) -> Refused:
    """An error of the older shape; `code` is of google.rpc.Code."""
    return Refused(status, {"error": message, "code": code, "message": message, "details": []})


def openai(status: int, message: str, kind: str = "invalid_request_error", param: str | None = None) -> Refused:
    """An error in the shape of the images interface."""
    return Refused(status, {"error": {"message": message, "type": kind, "param": param, "code": None}})


def check_caller(account: Account, headers: Mapping[str, str]) -> None:
    """Api-Key and Bearer are both taken, a key only as a whole."""
    scheme, _, key = headers.get("Authorization", "").partition(" ")
    if scheme not in ("Api-Key", "Bearer") or key != account.api_key:
        raise flat(401, 16, "Unknown api key")


def check_images(account: Account, headers: Mapping[str, str], body: dict[str, Any]) -> tuple[int, int]:
    """Refuse what /v1/images/generations refuses; gives the size that was asked for."""
    folder = headers.get("OpenAI-Project") or headers.get("x-folder-id") or ""
    _check_folder(account, folder)
    _check_keys(body, _IMAGES_KEYS)
    name = _model_of(account, body.get("model"))
    if name != IMAGES_MODEL:
        raise openai(404, f"The model {name} does not exist", "model_not_found")
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise openai(400, "prompt is required", param="prompt")
    _check_length(prompt)
    allowed = {"n": (None, 1), "quality": (None, "high"), "output_format": (None, "jpeg", "png")}
    allowed["response_format"] = ("b64_json",)
    for key, values in allowed.items():
        if body.get(key) not in values:
            raise openai(400, f"unsupported {key}", param=key)
    if body.get("size") not in SIZES:
        raise openai(400, "unsupported size", param="size")
    width, height = map(int, body["size"].split("x"))
    return width, height


def check_async(account: Account, headers: Mapping[str, str], body: dict[str, Any]) -> None:
    """Refuse what imageGenerationAsync refuses: first who asks for which model, then what is asked."""
    if "x-folder-id" in headers:
        _check_folder(account, headers["x-folder-id"])
    name = _model_of(account, body.get("modelUri"))
    if name == IMAGES_MODEL:
        raise flat(400, 9, f"model {name} is not allowed")
    if name != ASYNC_MODEL:
        raise flat(400, 3, "invalid model_uri")
    _check_keys(body, _ASYNC_KEYS)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise flat(400, 3, "messages: at least one is required")
    for message in messages:
        _check_message(message)
    options = body.get("generationOptions", {})
    _check_keys(options, {"mimeType", "seed", "aspectRatio"})
    if options.get("mimeType", "image/jpeg") != "image/jpeg":
        raise flat(400, 3, "unsupported mime type")
    if not 0 <= _int64(options.get("seed", 0), "seed") < 2**63:
        raise flat(400, 3, "seed is out of range")
    ratio = options.get("aspectRatio", {"widthRatio": 1, "heightRatio": 1})
    _check_keys(ratio, {"widthRatio", "heightRatio"})
    if min(_int64(ratio.get(side), "aspect ratio") for side in ("widthRatio", "heightRatio")) < 1:
        raise flat(400, 3, "aspect ratio must be positive")


def _check_message(message: object) -> None:
    if not isinstance(message, dict):
        raise flat(400, 3, "invalid JSON: unmarshal")
    _check_keys(message, {"text", "weight"})
    if not isinstance(message.get("text"), str) or not message["text"].strip():
        raise flat(400, 3, "messages: text is required")
    try:
        float(message.get("weight", 1))
    except (TypeError, ValueError):
        raise flat(400, 3, "messages: weight must be a number") from None
    _check_length(message["text"])


def _check_folder(account: Account, folder: str) -> None:
    if folder != account.folder_id:
        raise flat(
            400,
            3,
            f"Specified folder ID '{folder}' does not match with service account folder ID '{account.folder_id}'",
        )


def _model_of(account: Account, uri: object) -> str:
    """The name of a model that may be used at all."""
    if not isinstance(uri, str) or not uri.startswith("art://"):
        raise flat(400, 3, "Failed to parse model URI")
    folder, _, name = uri.removeprefix("art://").partition("/")
    _check_folder(account, folder)
    if name.removesuffix("/latest") == "yandex-art":
        raise flat(403, 7, DENIED)
    return name


def _check_keys(body: object, known: set[str]) -> None:
    if not isinstance(body, dict):
        raise flat(400, 3, "invalid JSON: unmarshal")
    for key in body:
        if key not in known:
            raise flat(400, 3, f"unknown field {key}")


def _check_length(prompt: str) -> None:
    if len(prompt) > LONGEST:
        raise flat(400, 3, "prompt positive size exceeds limit")


def _int64(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise flat(400, 3, f"{name} must be a number")
    try:
        return int(value)
    except ValueError:
        raise flat(400, 3, f"{name} must be a number") from None
