"""The uuid that a stock AiFrame asks with: the job's id and the size that was asked for, in hexadecimal digits.

The firmware puts it into an address as it is, and nothing needs to be remembered for it: it is as good after a restart.
"""

from __future__ import annotations

import base64
import re

from attrs import frozen

_UUID = re.compile(r"([0-9a-f]{64})-([0-9a-f]{4})([0-9a-f]{4})", re.ASCII)


@frozen(kw_only=True)
class StockUuid:
    """What a uuid says. Whether the job was ever given is for the job's id to tell."""

    job: str
    width: int
    height: int

    @property
    def text(self) -> str:
        """As it goes over the wire."""
        return f"{base64.urlsafe_b64decode(self.job + '=').hex()}-{self.width:04x}{self.height:04x}"


def read_uuid(text: str) -> StockUuid | None:
    """What the uuid says, or None for a text that is none of ours."""
    found = _UUID.fullmatch(text)
    if found is None:
        return None
    job = base64.urlsafe_b64encode(bytes.fromhex(found[1])).rstrip(b"=").decode()
    return StockUuid(job=job, width=int(found[2], 16), height=int(found[3], 16))
