"""axe-core on a page: what keeps people out who do not see, do not hear or have no mouse."""

from __future__ import annotations

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

_GRAVE = ("serious", "critical")


async def barriers(page: Page) -> list[str]:
    """What axe finds of the impacts serious and critical, with the places; nothing on a good page.

    The script comes through the debugging protocol, so the pages keep their Content-Security-Policy.
    """
    found = (await Axe().run(page)).response["violations"]
    return [
        f"{page.url}: {one['id']} ({one['impact']}): {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in _GRAVE
    ]
