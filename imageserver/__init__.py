"""ImageServer's public face for the authors of plugins, and nothing else."""

from importlib import import_module
from typing import TYPE_CHECKING

from imageserver.version import __version__

if TYPE_CHECKING:
    from imageserver.calls import Mask, Reply, from_base64, picture_kind
    from imageserver.checks import is_between, is_header, is_json_object, is_picture_size, is_seconds, is_web_address
    from imageserver.errors import (
        AuthError,
        BadProviderRequest,
        BadResult,
        DeadlineExceeded,
        ModelGone,
        ModerationRefused,
        PaymentRequired,
        PermissionDenied,
        ProviderError,
        RateLimited,
        TransientError,
        Unreachable,
        UnreadableAnswer,
        UntrustedCertificate,
    )
    from imageserver.extensions import (
        Extension,
        PictureFacts,
        PictureListener,
        PictureReady,
        PictureTransform,
        PromptTransform,
        PromptWish,
    )
    from imageserver.hookspecs import (
        RegisterListener,
        RegisterPictureTransform,
        RegisterPromptTransform,
        RegisterProvider,
        hookimpl,
    )
    from imageserver.plugin_context import PluginContext
    from imageserver.providers import (
        GeneratedImage,
        GenerationRequest,
        ImageProvider,
        LibraryProvider,
        PollingImageProvider,
        ProviderContext,
    )

API_VERSION = 1

# Where the names are. Each is imported when somebody asks for it: a health check, which runs twice a minute for years,
# needs none of them.
_HOMES = ("errors", "checks", "extensions", "hookspecs", "providers", "calls", "plugin_context")

__all__ = [
    "API_VERSION",
    "AuthError",
    "BadProviderRequest",
    "BadResult",
    "DeadlineExceeded",
    "Extension",
    "GeneratedImage",
    "GenerationRequest",
    "ImageProvider",
    "LibraryProvider",
    "Mask",
    "ModelGone",
    "ModerationRefused",
    "PaymentRequired",
    "PermissionDenied",
    "PictureFacts",
    "PictureListener",
    "PictureReady",
    "PictureTransform",
    "PluginContext",
    "PollingImageProvider",
    "PromptTransform",
    "PromptWish",
    "ProviderContext",
    "ProviderError",
    "RateLimited",
    "RegisterListener",
    "RegisterPictureTransform",
    "RegisterPromptTransform",
    "RegisterProvider",
    "Reply",
    "TransientError",
    "Unreachable",
    "UnreadableAnswer",
    "UntrustedCertificate",
    "__version__",
    "from_base64",
    "hookimpl",
    "is_between",
    "is_header",
    "is_json_object",
    "is_picture_size",
    "is_seconds",
    "is_web_address",
    "picture_kind",
]


if not TYPE_CHECKING:  # a type checker has the imports above, and finds names that are misspelt

    def __getattr__(name: str) -> object:
        if name in __all__:
            for home in _HOMES:
                module = import_module(f"imageserver.{home}")
                if hasattr(module, name):
                    return globals().setdefault(name, getattr(module, name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
