"""What stands under `providers: {aihorde: …}`. Every key has a default: an empty entry paints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import Attribute, field, frozen

from imageserver import is_between, is_header, is_seconds, is_web_address

SERVICE = "https://aihorde.net/api/v2"
ANONYMOUS = "0000000000"  # the service's own key for everybody without an account


def _is_named(_instance: object, _attribute: Attribute[Any], value: str | tuple[str, ...]) -> None:
    names = (value,) if isinstance(value, str) else value
    if not all(name.strip() for name in names):
        raise ValueError("expected a name, got an empty text")


@frozen(kw_only=True)
class AIHordeSettings:
    """The owner's settings."""

    base_url: str = field(
        default=SERVICE,
        validator=is_web_address(SERVICE),
        metadata={"doc": "Where the service's interface, version 2, is."},
    )
    api_key: str = field(
        default=ANONYMOUS,
        repr=False,
        validator=is_header,
        metadata={
            "secret": True,
            "doc": "Your key; 0000000000 is nobody's and waits longest, one of your own is free and may gather kudos.",
        },
    )
    api_key_file: Path | None = field(
        default=None, metadata={"doc": "File that holds the key and nothing else; stronger than api_key."}
    )
    contact: str = field(
        default="a self-hosted server for picture frames",
        validator=is_header,
        metadata={"doc": "Who asks, for the people of the AI Horde: an address or a name, sent with every request."},
    )
    models: tuple[str, ...] = field(
        default=(),
        validator=_is_named,
        metadata={"doc": "Models that may paint, as the AI Horde names them; none means any, which is the fastest."},
    )
    steps: int = field(
        default=25,
        validator=is_between(1, 500),
        metadata={"doc": "Steps of painting; above 40 the service wants kudos."},
    )
    cfg_scale: float = field(
        default=7.0,
        validator=is_between(0, 100),
        metadata={"doc": "How closely the picture follows the prompt; two decimals count."},
    )
    sampler: str = field(
        default="k_euler_a", validator=_is_named, metadata={"doc": "The sampler, as the AI Horde names it."}
    )
    pixels: int = field(
        default=512 * 768,
        validator=is_between(256 * 256, 3072 * 3072),
        metadata={
            "doc": "Area of the picture: width times height, which take the frame's shape in steps of 64; the default "
            "is 512x768."
        },
    )
    nsfw: bool = field(
        default=False, metadata={"doc": "Whether the picture may be unfit for work; false has such pictures withheld."}
    )
    trusted_workers: bool = field(
        default=False, metadata={"doc": "Ask only volunteers that the AI Horde trusts; slower."}
    )
    slow_workers: bool = field(default=True, metadata={"doc": "Ask slow volunteers too; false costs kudos."})
    allow_downgrade: bool = field(
        default=True,
        metadata={"doc": "Let the service shrink the picture or take steps away where the kudos do not suffice."},
    )
    timeout: float = field(
        default=30.0,
        validator=is_seconds(600),
        metadata={
            "doc": "Seconds for one call to the service; a question takes three at most, so keep within deadline."
        },
    )

    @property
    def address(self) -> str:
        """`base_url` without a slash at its end."""
        return self.base_url.rstrip("/")
