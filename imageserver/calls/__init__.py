"""HTTP calls of providers: every failure of the network is a ProviderError, and no answer chooses where we go."""

from imageserver.calls.caller import Caller
from imageserver.calls.mask import Mask
from imageserver.calls.reply import Reply, from_base64

__all__ = ["Caller", "Mask", "Reply", "from_base64"]
