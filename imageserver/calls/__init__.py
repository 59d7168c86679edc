"""HTTP calls of providers: every failure of the network is a ProviderError, and no answer chooses where we go."""

from imageserver.calls.caller import Caller
from imageserver.calls.mask import Mask
from imageserver.calls.pictures import from_base64, picture_kind
from imageserver.calls.reply import Reply

__all__ = ["Caller", "Mask", "Reply", "from_base64", "picture_kind"]
