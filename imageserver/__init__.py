"""ImageServer's public face for the authors of plugins, and nothing else."""

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
from imageserver.version import __version__

API_VERSION = 1

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
