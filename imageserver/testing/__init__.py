"""For the authors of plugins: what a provider's tests need, without a server and without waiting.

A `FakeClock`; `FakeService`, a real HTTP server that stands for a picture service and knows how to misbehave; and
`ProviderContract`, the promises of a provider as a pytest class. docs/plugin-hooks.md shows them at work.
"""

from imageserver.testing.clock import FakeClock
from imageserver.testing.contract import ProviderContract
from imageserver.testing.ledger import Ledger, read_ledger
from imageserver.testing.paint import BadPicture, bad, good
from imageserver.testing.service import GOOD, NEVER_ACCEPTS, FakeService, Wish, run_until_told
from imageserver.testing.wire import Answer, BadWire, Means, Refusing

__all__ = [
    "GOOD",
    "NEVER_ACCEPTS",
    "Answer",
    "BadPicture",
    "BadWire",
    "FakeClock",
    "FakeService",
    "Ledger",
    "Means",
    "ProviderContract",
    "Refusing",
    "Wish",
    "bad",
    "good",
    "read_ledger",
    "run_until_told",
]
