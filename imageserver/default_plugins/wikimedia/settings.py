"""What stands under `providers: {wikimedia: …}`. Every key has a default."""

from __future__ import annotations

import re
from typing import Any, Literal

from attrs import Attribute, field, frozen

from imageserver import is_between, is_header, is_seconds, is_web_address

SERVICE = "https://{language}.wikipedia.org/api/rest_v1"


def _is_language(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    if not re.fullmatch(r"[a-z]{2,12}(-[a-z]{2,12}){0,3}", value):
        raise ValueError(
            'expected the code of a Wikipedia such as en, ru or simple: what stands before ".wikipedia.org"'
        )


@frozen(kw_only=True)
class WikimediaSettings:
    """The owner's settings."""

    language: str = field(
        default="en",
        validator=_is_language,
        metadata={"doc": "The Wikipedia that is asked, such as en, ru or de, and the language of the description."},
    )
    base_url: str = field(
        default=SERVICE,
        validator=is_web_address(SERVICE, places=["{language}"]),
        metadata={"doc": "Where the feed is; {language} stands for the language."},
    )
    contact: str = field(
        default="a self-hosted server for picture frames",
        validator=is_header,
        metadata={"doc": "Who asks: an address or a page of yours, which Wikimedia wants to know of every program."},
    )
    days_back: int = field(
        default=7,
        validator=is_between(0, 30),
        metadata={"doc": "How many days it goes back when a day has no picture that can be shown."},
    )
    width: Literal[960, 1280, 1920] = field(
        default=1280, metadata={"doc": "Width of the picture to fetch, in pixels; the height follows."}
    )
    timeout: float = field(
        default=30.0,
        validator=is_seconds(600),
        metadata={"doc": "Seconds for one call to Wikimedia; keep it below deadline."},
    )

    @property
    def address(self) -> str:
        """Where the feed of the chosen language is, without a slash at the end."""
        return self.base_url.replace("{language}", self.language).rstrip("/")
