"""Making a self-signed certificate. Frames do not check it; a browser asks its owner once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from imageserver.certificates.files import Pair
from imageserver.durable import write_durably
from imageserver.errors import ImageServerError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

    _PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey

Kind = Literal["p256", "rsa2048"]
Address = IPv4Address | IPv6Address
_SLOW_CLOCKS = timedelta(days=1)  # a device whose clock is behind takes the certificate all the same
_LONGEST_NAME = 64  # letters of a subject; the other names have no such limit


class CertificateRefused(ImageServerError):
    """No certificate was made; the files are as they were."""

    reason = "certificate_refused"


@frozen(kw_only=True)
class Made:
    """What was made."""

    certificate: Path
    key: Path
    until: datetime
    kept: tuple[Path, ...]  # where the old files are now


def make_certificate(
    folder: Path,
    *,
    names: Sequence[str],
    addresses: Sequence[Address],
    now: datetime,
    kind: Kind = "p256",
    days: int = 3650,
    force: bool = False,
    keep_key: bool = False,
) -> Made:
    """Write cert.pem and key.pem for these names and addresses. Raises CertificateRefused, OSError.

    A pair that is there already is refused, or with `force` kept beside the new one as cert.pem.old and key.pem.old.
    With `keep_key` the new certificate is for the key that is there. `now` is aware.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if not names and not addresses:
        raise CertificateRefused("a certificate needs a name or an address: give --name or --ip")
    pair = Pair.of(folder)
    old = [path for path in ([pair.certificate] if keep_key else [pair.certificate, pair.key]) if path.exists()]
    if old and not force:
        raise CertificateRefused(
            f"{old[0]} is there already and stays as it is; --force makes another and keeps the old one as "
            f"{_put_aside(old[0]).name}"
        )
    key = _key_from(pair.key) if keep_key else _new_key(kind)
    until = now + timedelta(days=days)
    certificate = _sign(key, names, addresses, now, until)
    folder.mkdir(parents=True, exist_ok=True)
    for path in old:
        write_durably(_put_aside(path), path.read_bytes(), mode=0o600)
    if not keep_key:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_durably(pair.key, pem, mode=0o600)
    write_durably(pair.certificate, certificate.public_bytes(Encoding.PEM))
    return Made(certificate=pair.certificate, key=pair.key, until=until, kept=tuple(_put_aside(path) for path in old))


def _put_aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.old")


def _new_key(kind: Kind) -> _PrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    # The two kinds that a frame understands. The first costs it less time and fewer bytes.
    return ec.generate_private_key(ec.SECP256R1()) if kind == "p256" else rsa.generate_private_key(65537, 2048)


def _key_from(path: Path) -> _PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise CertificateRefused(f"there is no {path} to keep; leave --keep-key away and a key is made") from None
    except (TypeError, ValueError, UnsupportedAlgorithm):  # TypeError: it has a password
        raise CertificateRefused(f"{path} cannot be kept: it is encrypted, or no private key in PEM form") from None
    if not isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
        raise CertificateRefused(f"{path} cannot be kept: frames understand P-256 and RSA keys only")
    return key


def _sign(
    key: _PrivateKey, names: Sequence[str], addresses: Sequence[Address], now: datetime, until: datetime
) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    # The frames' TLS looks for an address among the names; browsers look for it among the addresses.
    texts = [*names, *map(str, addresses)]
    others = [*map(x509.DNSName, texts), *map(x509.IPAddress, addresses)]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, texts[0][:_LONGEST_NAME])])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_encipherment=isinstance(key, RSAPrivateKey),  # how an old client and an RSA key agree on a secret
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLOW_CLOCKS)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(others), critical=False)
        .sign(key, SHA256())
    )
