"""What a certificate says of itself. For commands: the package that reads it takes 9 MB."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from attrs import frozen

from imageserver.certificates.files import Pair


@frozen(kw_only=True)
class Inspection:
    """A certificate."""

    until: datetime  # aware
    names: tuple[str, ...]  # host names and addresses that it was made for, its subject among them


def inspect_certificate(folder: Path) -> Inspection | None:
    """The certificate in a folder; None where there is none that can be read."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509.oid import NameOID

    try:
        read = x509.load_pem_x509_certificate(Pair.of(folder).certificate.read_bytes())
        names = [str(one.value) for one in read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        until = read.not_valid_after_utc
    except (OSError, ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        return None
    try:
        others = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names += [str(getattr(one, "value", "")) for one in others]
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, UnsupportedAlgorithm):
        pass
    return Inspection(until=until, names=tuple(dict.fromkeys(name for name in names if name)))
