"""What stands under `providers: {wikimedia: …}`. Every key has a default."""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen

SERVICE = "https://{language}.wikipedia.org/api/rest_v1"


def _is_language(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    if not re.fullmatch(r"[a-z]{2,12}(-[a-z]{2,12}){0,3}", value):
        raise ValueError(
            'expected the code of a Wikipedia such as en, ru or simple: what stands before ".wikipedia.org"'
        )


def _is_address(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    address = urlsplit(value.replace("{language}", "en"))
    is_web = address.scheme in {"http", "https"} and address.hostname and address.port != 0  # a bad port raises
    if not is_web or address.username is not None or address.query or address.fragment:
        raise ValueError(f'expected an address such as {SERVICE}, without a user, "?" or "#"')


def _fits_a_header(_instance: object, _attribute: Attribute[Any], value: str) -> None:
    if not re.fullmatch(r"[!-~]([ -~]*[!-~])?", value):
        raise ValueError("contact must be Latin letters, digits and signs on one line")


def _is_days(_instance: object, _attribute: Attribute[Any], value: int) -> None:
    if not 0 <= value <= 30:
        raise ValueError(f"expected a number from 0 to 30, got {value}")


def _is_time(_instance: object, _attribute: Attribute[Any], value: float) -> None:
    if not 0 < value <= 600:
        raise ValueError(f"expected a number above 0, up to 600, got {value}")


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
        validator=_is_address,
        metadata={"doc": "Where the feed is; {language} stands for the language."},
    )
    contact: str = field(
        default="a self-hosted server for picture frames",
        validator=_fits_a_header,
        metadata={"doc": "Who asks: an address or a page of yours, which Wikimedia wants to know of every program."},
    )
    days_back: int = field(
        default=7,
        validator=_is_days,
        metadata={"doc": "How many days it goes back when a day has no picture that can be shown."},
    )
    width: Literal[960, 1280, 1920] = field(
        default=1280, metadata={"doc": "Width of the picture to fetch, in pixels; the height follows."}
    )
    timeout: float = field(
        default=30.0, validator=_is_time, metadata={"doc": "Seconds for one call to Wikimedia; keep it below deadline."}
    )

    @property
    def address(self) -> str:
        """Where the feed of the chosen language is, without a slash at the end."""
        return self.base_url.replace("{language}", self.language).rstrip("/")
