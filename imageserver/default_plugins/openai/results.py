"""Pictures out of good answers. What cannot be read raises BadResult: it was paid for all the same."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from imageserver import BadResult, from_base64


@frozen(kw_only=True)
class Result:
    """The first picture of an answer: its bytes, or the address where it lies."""

    picture: bytes | None = field(default=None, repr=False)
    url: str = ""
    revised_prompt: str = ""  # what the service made of the prompt


def read_result(answer: dict[str, Any]) -> Result:
    """`data[0]` with `b64_json` or `url`; either may be a data URL. Raises BadResult."""
    data = answer.get("data")
    first = data[0] if isinstance(data, list) and data else None
    if not isinstance(first, dict):
        raise BadResult("the service's answer holds no picture")
    revised = first.get("revised_prompt")
    revised_prompt = revised if isinstance(revised, str) else ""
    url = first.get("url")
    if first.get("b64_json") or not isinstance(url, str) or not url:
        return Result(picture=from_base64(first.get("b64_json")), revised_prompt=revised_prompt)
    if url.startswith("data:"):
        return Result(picture=from_base64(url), revised_prompt=revised_prompt)
    return Result(url=url, revised_prompt=revised_prompt)
