"""The promises of a provider, as a pytest class to derive from.

class TestHello(ProviderContract):
    provider_class = Hello
    fake = FakeHello
    settings = "base_url: {url}\\napi_key: key-for-tests"
    failures = {"wrong_key": AuthError}

Bare `python -m pytest` runs it: the checks need no plugin of pytest's and no configuration. Those that do not apply,
because the provider speaks to nobody, takes no negative or gives no tickets, are not collected. A method of the same
name in the derived class replaces a check; `test_… = None` takes it out.
"""

from __future__ import annotations

from imageserver.testing.contract.faults import FaultChecks
from imageserver.testing.contract.life import LifeChecks
from imageserver.testing.contract.money import MoneyChecks
from imageserver.testing.contract.pictures import PictureChecks
from imageserver.testing.contract.settings import SettingsChecks
from imageserver.testing.contract.tickets import TicketChecks


class ProviderContract(SettingsChecks, LifeChecks, PictureChecks, FaultChecks, MoneyChecks, TicketChecks):
    """Every check that there is. What a class of yours may set stands in contract/base.py."""
