"""A fake picture service: GET of any address is answered with a picture, every GET is charged.

As a program: `python tests/fakes/generic.py --ledger FILE`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

if __name__ == "__main__":  # as a program its own folder is searched, not the one that holds the package
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aiohttp import web

from imageserver.testing.ledger import Ledger
from imageserver.testing.service import FakeService, arguments, run_until_told
from imageserver.testing.wire import Answer, Means


class FakePictures(FakeService):
    """Pictures by address. The ledger holds the path of each one that was charged."""

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        if request.method != "GET":
            return web.Response(status=405)
        refused = self.refused(mode)
        if refused is not None:
            return refused
        self.ledger.note("charge", path=request.path)
        return await self.deliver(request, mode, Answer(body=self.paint(mode), content_type="image/jpeg"))


def main() -> None:
    """Run as a program."""
    given = arguments(__doc__).parse_args()
    service = FakePictures(Ledger(given.ledger), means=Means(pace=given.pace))
    asyncio.run(run_until_told(service, given.port, given.mode))


if __name__ == "__main__":
    main()
