"""From what a frame wants to what the service is asked: texts within the limit, a size of the frame's shape."""

from __future__ import annotations

from math import gcd
from typing import Any

from attrs import frozen

from imageserver import GenerationRequest
from imageserver.default_plugins.yandexart.settings import YandexArtSettings

LONGEST = 500  # characters of a prompt, counted as code points; the service refuses a longer one
# Sizes that the images interface takes. It may answer with other pixels; the frame's rendition is made from them.
SIZES = ((1024, 1024), (1024, 1536), (1536, 1024), (1024, 1280), (1344, 1024), (1536, 768), (1792, 1024))


@frozen(kw_only=True)
class Wording:
    """The texts of one request, and what had to go."""

    text: str
    negative: str = ""  # sent on its own, with a negative weight
    lost: tuple[str, ...] = ()  # sentences for the log


def worded(settings: YandexArtSettings, prompt: str, negative: str | None) -> Wording:
    """Prompt and negative as `negative_mode` says, each within the limit."""
    prompt, negative = prompt.strip(), (negative or "").strip()
    if not negative or settings.negative_mode == "drop":
        text, cut = _cut(prompt)
        return Wording(text=text, lost=_lost("the prompt", cut))
    if settings.negative_mode == "weight" and settings.transport == "async":
        text, cut = _cut(prompt)
        unwanted, cut_too = _cut(negative)
        lost = _lost("the prompt", cut) + _lost("the negative prompt", cut_too)
        return Wording(text=text, negative=unwanted, lost=lost)
    return _appended(prompt, settings.negative_text, negative)


def images_body(
    settings: YandexArtSettings, request: GenerationRequest, model_uri: str
) -> tuple[dict[str, Any], Wording]:
    """The body for /v1/images/generations. It takes no seed."""
    wording = worded(settings, request.prompt, request.negative)
    width, height = request.nearest(SIZES)
    body = {
        "model": model_uri,
        "prompt": wording.text,
        "size": f"{width}x{height}" if settings.size == "auto" else settings.size,
        "response_format": "b64_json",
        "output_format": "jpeg",
    }
    return body, wording


def async_body(
    settings: YandexArtSettings, request: GenerationRequest, model_uri: str
) -> tuple[dict[str, Any], Wording]:
    """The body for imageGenerationAsync. Numbers of 64 bits are texts in protobuf's JSON."""
    wording = worded(settings, request.prompt, request.negative)
    messages: list[dict[str, Any]] = [{"text": wording.text, "weight": 1}]
    if wording.negative:
        messages.append({"text": wording.negative, "weight": -1})
    width, height = request.width, request.height
    if settings.size != "auto":
        width, height = map(int, settings.size.split("x"))
    divisor = gcd(width, height)
    options = {
        "mimeType": "image/jpeg",
        "seed": str(request.seed),
        "aspectRatio": {"widthRatio": str(width // divisor), "heightRatio": str(height // divisor)},
    }
    return {"modelUri": model_uri, "messages": messages, "generationOptions": options}, wording


def _appended(prompt: str, prefix: str, negative: str) -> Wording:
    joint = " " if prompt.endswith((".", "!", "?", "…", ",", ";", ":")) else ". "
    head = f"{prompt}{joint}{prefix}"
    text, cut = _cut(head + negative)
    if not cut:
        return Wording(text=text)
    if len(text) > len(head.rstrip()):
        return Wording(text=text, lost=_lost("the negative prompt", cut))
    # not one word of the negative fits, and a bare "ignore the following:" would only confuse
    text, cut = _cut(prompt)
    return Wording(
        text=text, lost=("the negative prompt is left out: the prompt fills the limit", *_lost("the prompt", cut))
    )


def _cut(text: str) -> tuple[str, int]:
    """At most LONGEST code points, cut at a word, and how many are gone."""
    if len(text) <= LONGEST:
        return text, 0
    kept = text[:LONGEST]
    if not (kept[-1].isspace() or text[LONGEST].isspace()):
        words = kept.rsplit(maxsplit=1)
        kept = words[0] if len(words) > 1 else kept  # one endless word is cut where the limit is
    kept = kept.rstrip()
    return kept, len(text) - len(kept)


def _lost(what: str, cut: int) -> tuple[str, ...]:
    return (f"{what} is cut by {cut} characters to the service's limit of {LONGEST}",) if cut else ()
