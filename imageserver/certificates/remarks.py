"""What frames or browsers will mind about a certificate that works.

The package that reads certificates takes 9 MB of memory for as long as the server runs, and what it says is needed
once. So this file is also a program of its own: it reads one certificate, prints what is odd, and ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

_SECONDS = 60.0  # a Raspberry Pi that boots has other things to do; nobody waits for this


def remarks(certificate: Path, now: datetime) -> list[str]:
    """A sentence for each thing that is odd. Blocks; says nothing where the certificate cannot be looked at."""
    command = [sys.executable, "-I", __file__, str(certificate), str(now.timestamp())]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=_SECONDS, stdin=subprocess.DEVNULL)  # noqa: S603 - our own file
        said: list[str] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):  # it works all the same
        return []
    return said


def _odd(path: Path, now: datetime) -> list[str]:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ed448, ed25519

    try:
        read = x509.load_pem_x509_certificate(path.read_bytes())
        key, until = read.public_key(), read.not_valid_after_utc
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):  # OpenSSL takes it, so it may be odd
        return []
    odd = []
    if until < now:
        odd.append(
            f"{path} expired on {until.date()}: frames do not mind, browsers do. "
            "`imageserver cert --force` makes another"
        )
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        kind = "Ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "Ed448"
        odd.append(
            f"{path} has an {kind} key, which frames do not understand: "
            "`imageserver cert --force` makes one that they do"
        )
    return odd


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_odd(Path(sys.argv[1]), datetime.fromtimestamp(float(sys.argv[2]), UTC))))
