"""What the author of an extension sees: everything that a plugin can bring beside providers.

Everything here is re-exported by `imageserver`; a plugin imports it from there. Extensions are off until the owner
names them under `extensions: {code: …}`, unless their settings all have defaults and they come from the owner's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from imageserver.plugin_context import PluginContext

if TYPE_CHECKING:
    from PIL.Image import Image


class Extension:
    """What all extensions have in common. Each runs in a thread of its own: one that blocks costs only itself."""

    code: ClassVar[str]  # the name in options and logs: lower case letters, digits, "_" and "-"
    title: ClassVar[str] = ""  # for people; the code when empty
    settings_class: ClassVar[type[Any] | None] = None  # attrs; its fields are the keys under extensions: {code: …}
    order: ClassVar[int] = 0  # of several of a kind the lower comes first
    deadline: ClassVar[float] = 5.0  # seconds for one call; then the server goes on without it

    def __init__(self, context: PluginContext) -> None:
        self.context = context

    async def close(self) -> None:
        """Release what the extension holds. The context's HTTP sessions are closed by the server."""


@frozen(kw_only=True)
class PromptWish:
    """What one provider is about to be asked for."""

    prompt: str  # never empty
    negative: str | None
    provider: str  # its code
    language: str | None  # the one that the owner wants for this provider, such as "en"; None: as it is
    suffix: str  # what the owner wants at the end of this provider's prompts
    translations: Mapping[str, str] = field(factory=dict)  # language → the same prompt, as far as the library has it


class PromptTransform(Extension):
    """Changes a prompt on its way to a provider. What the picture is called stays what the owner wrote."""

    async def transform(self, wish: PromptWish) -> PromptWish:
        """The wish as the provider shall see it; `attrs.evolve(wish, prompt=…)` makes one."""
        raise NotImplementedError(f"{type(self).__name__} must define transform()")


@frozen(kw_only=True)
class PictureFacts:
    """What is known of a picture that is about to be shown."""

    id: int
    provider: str | None  # who made it; None for the owner's own
    prompt: str | None
    model: str | None
    created: float  # seconds since 1970, when the store first saw it
    details: Mapping[str, str] = field(factory=dict)
    width: int  # pixels of the panel
    height: int


class PictureTransform(Extension):
    """Draws on pictures at a frame's size, before they become a JPEG. Originals are never changed."""

    def cache_key(self, picture: PictureFacts) -> str | None:  # noqa: ARG002 - for those who derive
        """What the drawing depends on beside the picture: with another key it is drawn anew. None leaves it alone."""
        return "1"

    def apply(self, image: Image, picture: PictureFacts) -> Image:
        """The picture to show, of the same size, in mode RGB. Called in the extension's own thread."""
        raise NotImplementedError(f"{type(self).__name__} must define apply()")


@frozen(kw_only=True)
class PictureReady:
    """A new picture lies in the store."""

    id: int
    job: str
    frame: str  # who asked; empty when it was the server itself
    provider: str
    prompt: str
    negative: str | None
    model: str
    seed: int | None
    created: float  # seconds since 1970
    width: int  # pixels of the panel that it was asked for
    height: int
    file: Path  # the original: read it, never write to it
    details: Mapping[str, str] = field(factory=dict)


class PictureListener(Extension):
    """Is told of every picture that a provider made."""

    async def picture_ready(self, ready: PictureReady) -> None:
        """Do with it what you like; frames do not wait for it."""
        raise NotImplementedError(f"{type(self).__name__} must define picture_ready()")
