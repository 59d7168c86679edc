"""The two files in the folder of certificates, as every version of the server has called them."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen


@frozen
class Pair:
    """A certificate and its private key, both PEM. They need not be there."""

    certificate: Path
    key: Path

    @classmethod
    def of(cls, folder: Path) -> Pair:
        """The pair that `folder` holds, or would hold."""
        return cls(folder / "cert.pem", folder / "key.pem")
