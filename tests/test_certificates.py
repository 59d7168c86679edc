"""Certificates: made, found, refused with a sentence that helps, and renewed while the server runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from imageserver.certificates import CertificateBroken, CertificateRefused, Certificates, Made, make_certificate
from imageserver.certificates.loading import load_context
from imageserver.certificates.remarks import remarks
from imageserver.listening import Door, DoorSite, open_doors
from imageserver.testing import FakeClock

NOW = datetime.now(UTC)
PEM = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def made(folder: Path, **more: Any) -> Made:
    """A pair for localhost, as the command makes it."""
    given: dict[str, Any] = {"names": ["localhost"], "addresses": [ip_address("127.0.0.1")], "now": NOW}
    return make_certificate(folder, **given | more)


def read(folder: Path) -> x509.Certificate:
    """The certificate in a folder."""
    return x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes())


# --- made


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_what_is_made(tmp_path: Path, kind: str) -> None:
    """A server's certificate for all names and addresses; addresses stand among the names too, for the frames."""
    addresses = [ip_address("192.168.1.5"), ip_address("fd00::5")]
    done = made(tmp_path / "certs", names=["frames", "frames.local"], addresses=addresses, kind=kind, days=30)
    found = read(tmp_path / "certs")
    others = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert others.get_values_for_type(x509.DNSName) == ["frames", "frames.local", "192.168.1.5", "fd00::5"]
    assert others.get_values_for_type(x509.IPAddress) == addresses
    assert found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert list(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    assert found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "frames"
    assert found.not_valid_before_utc < NOW - timedelta(hours=20)
    assert (
        found.not_valid_after_utc == done.until.replace(microsecond=0) == (NOW + timedelta(30)).replace(microsecond=0)
    )
    key = found.public_key()
    if kind == "p256":
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"
    else:
        assert isinstance(key, rsa.RSAPublicKey)
        assert key.key_size == 2048
    assert done.key.stat().st_mode & 0o777 == 0o600
    assert done.certificate.stat().st_mode & 0o044
    assert sorted(path.name for path in (tmp_path / "certs").iterdir()) == ["cert.pem", "key.pem"]


def test_a_long_name_fits(tmp_path: Path) -> None:
    """A subject has 64 letters at most, a name more."""
    name = f"{'a' * 60}.{'b' * 60}"
    made(tmp_path, names=[name])
    others = read(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert others.get_values_for_type(x509.DNSName)[0] == name


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    """A pair, or half of one, stays; with force it is kept beside the new one."""
    made(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(CertificateRefused, match=r"cert\.pem is there already .*--force"):
        made(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    done = made(tmp_path, force=True)
    assert {path.name.removesuffix(".old"): path.read_bytes() for path in done.kept} == before
    assert (tmp_path / "key.pem.old").stat().st_mode & 0o777 == 0o600
    assert read(tmp_path).public_bytes(Encoding.PEM) != before["cert.pem"]
    (tmp_path / "cert.pem").unlink()
    with pytest.raises(CertificateRefused, match=r"key\.pem is there already"):
        made(tmp_path)


def test_a_key_can_be_kept(tmp_path: Path) -> None:
    """A new certificate for the key that is there, of whatever kind it is."""
    made(tmp_path, kind="rsa2048")
    key, old = (tmp_path / "key.pem").read_bytes(), read(tmp_path)
    with pytest.raises(CertificateRefused, match="--force"):
        made(tmp_path, keep_key=True)
    assert made(tmp_path, keep_key=True, force=True, names=["other"]).kept == (tmp_path / "cert.pem.old",)
    assert (tmp_path / "key.pem").read_bytes() == key
    assert read(tmp_path).public_key() == old.public_key()
    assert read(tmp_path) != old
    (tmp_path / "cert.pem").unlink()
    made(tmp_path, keep_key=True)
    assert load_context(tmp_path) is not None


def test_what_cannot_be_kept_or_made(tmp_path: Path) -> None:
    """Each refusal has its sentence, and nothing is written."""
    with pytest.raises(CertificateRefused, match="--name or --ip"):
        made(tmp_path, names=[], addresses=[])
    with pytest.raises(CertificateRefused, match=r"there is no .*key\.pem to keep"):
        made(tmp_path, keep_key=True)
    for key in (encrypted(), b"rubbish"):
        (tmp_path / "key.pem").write_bytes(key)
        with pytest.raises(CertificateRefused, match="encrypted, or no private key"):
            made(tmp_path, keep_key=True)
    (tmp_path / "key.pem").write_bytes(ed25519.Ed25519PrivateKey.generate().private_bytes(*PEM))
    with pytest.raises(CertificateRefused, match="P-256 and RSA"):
        made(tmp_path, keep_key=True)
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]


# --- found


def test_a_pair_is_loaded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """TLS 1.2 is allowed and nothing older; nothing is said about a good pair."""
    made(tmp_path)
    context = load_context(tmp_path)
    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_NONE
    assert caplog.records == []


@pytest.mark.parametrize("is_there", [True, False])
def test_without_certificates_there_is_no_tls(tmp_path: Path, is_there: bool, caplog: pytest.LogCaptureFixture) -> None:
    """No folder, or an empty one, is no error; the log says it once."""
    folder = tmp_path / "certs"
    if is_there:
        folder.mkdir()
    certificates = Certificates(folder, FakeClock())
    with caplog.at_level(logging.INFO):
        certificates.load()
    assert certificates.context() is None
    assert [record.getMessage() for record in caplog.records] == [
        f"no certificates in {folder}: plain HTTP only; `imageserver cert` makes them"
    ]


def encrypted() -> bytes:
    """A private key with a password."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))


def without(*names: str) -> Callable[[Path], None]:
    """Take files away."""

    def spoil(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return spoil


def put(name: str, data: Callable[[], bytes]) -> Callable[[Path], None]:
    """Other bytes in one of the two files."""

    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(data())

    return spoil


def another_key() -> bytes:
    """One that the certificate was not made for."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*PEM)


def exchanged(folder: Path) -> None:
    """Each file under the other's name."""
    (folder / "cert.pem").rename(folder / "between")
    (folder / "key.pem").rename(folder / "cert.pem")
    (folder / "between").rename(folder / "key.pem")


def dangling(folder: Path) -> None:
    """A link to a file that has gone."""
    (folder / "key.pem").unlink()
    (folder / "key.pem").symlink_to(folder / "live" / "key.pem")


def a_folder(folder: Path) -> None:
    """What a container makes of a file that was not there to be mounted."""
    (folder / "key.pem").unlink()
    (folder / "key.pem").mkdir()


BROKEN = [
    (without("key.pem"), "cert.pem and no key.pem beside it"),
    (without("cert.pem"), "key.pem and no cert.pem beside it"),
    (put("cert.pem", lambda: b"rubbish"), "cert.pem is no certificate in PEM form"),
    (put("cert.pem", lambda: b""), "cert.pem is no certificate in PEM form"),
    (put("key.pem", lambda: b"\xff\x00rubbish"), "key.pem is no private key in PEM form"),
    (put("key.pem", encrypted), "openssl pkey -in"),
    (put("key.pem", another_key), "cert.pem and key.pem are no pair"),
    (exchanged, "cert.pem is no certificate in PEM form"),
    (dangling, "key.pem cannot be read: No such file or directory"),
    (a_folder, "key.pem cannot be read: Is a directory"),
]


@pytest.mark.parametrize(("spoil", "words"), BROKEN)
def test_what_is_broken_is_said_clearly(tmp_path: Path, spoil: Callable[[Path], None], words: str) -> None:
    """One sentence with the file's name, and never a question at the terminal."""
    made(tmp_path)
    spoil(tmp_path)
    with pytest.raises(CertificateBroken) as refused:
        load_context(tmp_path)
    assert words in str(refused.value)
    assert str(tmp_path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_key_that_is_too_small(tmp_path: Path) -> None:
    """What OpenSSL refuses for a reason of its own is passed on."""
    key = rsa.generate_private_key(65537, 1024)
    (tmp_path / "key.pem").write_bytes(key.private_bytes(*PEM))
    (tmp_path / "cert.pem").write_bytes(signed(key, NOW + timedelta(days=1)))
    with pytest.raises(CertificateBroken, match="too small"):
        load_context(tmp_path)


def signed(key: Any, until: datetime, algorithm: Any = SHA256()) -> bytes:  # noqa: B008 - it has no state
    """A bare certificate, with nothing that `make_certificate` adds."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW - timedelta(days=800)).not_valid_after(until)
    return builder.sign(key, algorithm).public_bytes(Encoding.PEM)


def test_an_expired_certificate_works(tmp_path: Path) -> None:
    """Frames do not look at dates, so there is a remark only."""
    key = rsa.generate_private_key(65537, 2048)
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    (tmp_path / "cert.pem").write_bytes(signed(key, datetime(2026, 1, 31, tzinfo=UTC)))
    assert load_context(tmp_path) is not None
    assert remarks(tmp_path / "cert.pem", datetime(2026, 1, 30, tzinfo=UTC)) == []
    [line] = remarks(tmp_path / "cert.pem", datetime(2026, 2, 1, tzinfo=UTC))
    assert "expired on 2026-01-31" in line
    assert "imageserver cert --force" in line


def test_a_key_that_frames_do_not_understand(tmp_path: Path) -> None:
    """Browsers take Ed25519, frames do not."""
    key = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "key.pem").write_bytes(key.private_bytes(*PEM))
    (tmp_path / "cert.pem").write_bytes(signed(key, NOW + timedelta(days=1), None))
    assert load_context(tmp_path) is not None
    [line] = remarks(tmp_path / "cert.pem", NOW)
    assert "Ed25519" in line


async def test_the_log_says_what_is_odd(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Once the server runs, and without bringing the package that reads certificates into it."""
    made(tmp_path)
    clock = FakeClock(now=datetime(2126, 1, 1, tzinfo=UTC).timestamp())
    certificates = Certificates(tmp_path, clock)
    certificates.load()
    fresh = asyncio.create_task(certificates.stay_fresh())
    await clock.until_sleeping()
    fresh.cancel()
    assert sum("expired on" in message for message in caplog.messages) == 1


def test_what_cannot_be_looked_at_is_not_odd(tmp_path: Path) -> None:
    """A file that is no certificate, or that is not there, gives no remark and no error."""
    (tmp_path / "cert.pem").write_text("nonsense")
    assert remarks(tmp_path / "cert.pem", NOW) == []
    assert remarks(tmp_path / "missing.pem", NOW) == []


@contextmanager
def closed_folder() -> Iterator[Path]:
    """A folder with a pair, where this process is somebody else than root: root may read everything."""
    folder = Path(tempfile.mkdtemp())
    made(folder)
    is_root = os.geteuid() == 0
    folder.chmod(0o755)
    if is_root:
        os.setresuid(65_534, 65_534, 0)
    try:
        yield folder
    finally:
        if is_root:
            os.setresuid(0, 0, 0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_key_that_may_not_be_read() -> None:
    """The message has the line to copy into a shell."""
    with closed_folder() as folder:
        with contextlib.suppress(PermissionError):  # root's already
            (folder / "key.pem").chmod(0)
        with pytest.raises(CertificateBroken) as refused:
            load_context(folder)
        owner = f"{os.getuid()}:{os.getgid()}"
    assert f"sudo chown {owner} {folder}/key.pem && sudo chmod u=rw,go= {folder}/key.pem" in str(refused.value)


def test_a_folder_that_may_not_be_read() -> None:
    """It must not look like one without certificates."""
    with closed_folder() as folder:
        is_nobody = os.geteuid() == 65_534
        if is_nobody:
            os.setresuid(0, 0, 0)
        folder.chmod(0)
        if is_nobody:
            os.setresuid(65_534, 65_534, 0)
        with pytest.raises(CertificateBroken) as refused:
            load_context(folder)
    assert f"the folder {folder} is not readable for this server" in str(refused.value)


# --- renewed


@asynccontextmanager
async def listening(certificates: Certificates) -> AsyncIterator[int]:
    """A port where each TLS connection gets the certificate that counts at that moment."""
    runner = web.AppRunner(web.Application(), shutdown_timeout=0.01)
    await runner.setup()
    door = Door(option="https_port", host="127.0.0.1", port=0, tls_only=True)
    site = DoorSite(runner, door, open_doors([door])[0], context=certificates.context)
    await site.start()
    try:
        yield site.port
    finally:
        await runner.cleanup()
        await site.cut_off()


async def shown(port: int) -> x509.Certificate:
    """The certificate that a client sees."""
    return x509.load_pem_x509_certificate(
        (await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))).encode()
    )


@asynccontextmanager
async def fresh(folder: Path) -> AsyncIterator[tuple[Certificates, Callable[[], Any]]]:
    """Certificates that are looked after, and a minute to let pass."""
    clock = FakeClock(NOW.timestamp())
    certificates = Certificates(folder, clock)
    certificates.load()
    task = asyncio.create_task(certificates.stay_fresh())

    async def minute() -> None:
        await clock.until_sleeping()
        await clock.advance(60)
        await clock.until_sleeping()  # it has looked, and waits for the next minute

    try:
        yield certificates, minute
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_renewed_files_are_taken_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without a restart, and only when they have changed."""
    caplog.set_level(logging.INFO)
    made(tmp_path)
    async with fresh(tmp_path) as (certificates, minute), listening(certificates) as port:
        assert await shown(port) == read(tmp_path)
        first = certificates.context()
        await minute()
        assert certificates.context() is first
        made(tmp_path, force=True)
        await minute()
        assert await shown(port) == read(tmp_path)
        assert certificates.context() is not first
        await minute()
    assert [record.getMessage() for record in caplog.records] == [f"a new certificate in {tmp_path} is in use now"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (put("key.pem", another_key), "are no pair"),
        (without("key.pem"), "no key.pem beside it"),
        (without("cert.pem", "key.pem"), "is gone"),
    ],
)
async def test_a_broken_renewal_leaves_the_old_pair(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None], words: str
) -> None:
    """It is said once, and the next good pair counts."""
    made(tmp_path)
    old = read(tmp_path)
    async with fresh(tmp_path) as (certificates, minute), listening(certificates) as port:
        spoil(tmp_path)
        await minute()
        await minute()
        assert await shown(port) == old
        [line] = [record.getMessage() for record in caplog.records]
        assert words in line
        assert "the old certificate" in line
        made(tmp_path, force=True)
        await minute()
        assert await shown(port) == read(tmp_path) != old


async def test_certificates_made_while_the_server_runs(tmp_path: Path) -> None:
    """A server that was started without any has TLS a minute later."""
    async with fresh(tmp_path / "certs") as (certificates, minute):
        await minute()
        assert certificates.context() is None
        made(tmp_path / "certs")
        await minute()
        assert certificates.context() is not None
