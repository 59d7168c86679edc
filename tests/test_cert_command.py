"""`imageserver cert`, and the whole program with what it makes: HTTPS on the port that there was."""

from __future__ import annotations

import asyncio
import socket
import ssl
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import click
import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from program import HANG_LIMIT, program, start

from imageserver.cert_command import cert_command, own_addresses, own_names, parse_address, parse_name
from imageserver.certificates import CertificateRefused


def cert(data: Path, *arguments: str) -> Result:
    """The command; folders stand beside the data folder."""
    return CliRunner().invoke(cert_command, ["--data", str(data), *arguments])


def names_in(folder: Path) -> tuple[list[str], list[str]]:
    """Names and addresses that the certificate is for."""
    found = x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes())
    others = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return others.get_values_for_type(x509.DNSName), [str(one) for one in others.get_values_for_type(x509.IPAddress)]


def test_without_arguments_it_is_for_this_machine(tmp_path: Path) -> None:
    """The file is where the server looks, and the command says what comes next."""
    done = cert(tmp_path / "data")
    assert done.exit_code == 0
    names, addresses = names_in(tmp_path / "certs")
    assert names == [*own_names(socket.gethostname()), *addresses]
    assert f"Certificate: {tmp_path}/certs/cert.pem, valid until 20" in done.output
    assert f"Made for:    {', '.join(names)}" in done.output
    assert ("--ip" in done.output) == (not addresses)  # a container does not know its address
    assert "within a minute" in done.output
    assert not (tmp_path / "data").exists()


def test_what_is_asked_for_is_made(tmp_path: Path) -> None:
    """Names, addresses, the kind of key and how long."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "options.yml").write_text("cert_path: ../elsewhere\n")
    done = cert(data, "--name", "frames.lan", "--name", "рамка.рф", "--ip", "192.168.1.5", "--rsa", "--days", "30")
    assert done.exit_code == 0
    assert names_in(tmp_path / "elsewhere") == (["frames.lan", "xn--80aa3ahs.xn--p1ai", "192.168.1.5"], ["192.168.1.5"])
    found = x509.load_pem_x509_certificate((tmp_path / "elsewhere" / "cert.pem").read_bytes())
    assert isinstance(found.public_key(), rsa.RSAPublicKey)
    assert (found.not_valid_after_utc - found.not_valid_before_utc).days == 31  # a day for slow clocks


def test_it_overwrites_only_when_told(tmp_path: Path) -> None:
    """Refused, then with --force, then with --keep-key."""
    data, certs = tmp_path / "data", tmp_path / "certs"
    assert cert(data).exit_code == 0
    key = (certs / "key.pem").read_bytes()
    assert isinstance(cert(data).exception, CertificateRefused)
    done = cert(data, "--force", "--keep-key", "--name", "x")
    assert done.exit_code == 0
    assert "the one that was there" in done.output
    assert (certs / "key.pem").read_bytes() == key
    done = cert(data, "--force")
    assert f"Old files:   {certs}/cert.pem.old, {certs}/key.pem.old" in done.output
    assert (certs / "key.pem").read_bytes() != key == (certs / "key.pem.old").read_bytes()


@pytest.mark.parametrize(
    "arguments", [("--name", "two words"), ("--name", ""), ("--ip", "here"), ("--days", "0"), ("--name", "a..b")]
)
def test_what_cannot_be_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """As a wrong use of the command line, before anything is written."""
    assert cert(tmp_path / "data", *arguments).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_names() -> None:
    """What this machine is called, once each; odd host names are left away."""
    assert own_names("pi") == ("pi", "pi.local", "localhost")
    assert own_names("pi.lan") == ("pi.lan", "pi.local", "localhost")
    assert own_names("pi.local") == ("pi.local", "localhost")
    assert own_names("localhost") == ("localhost", "localhost.local")
    assert own_names("") == ("localhost",)
    assert own_names("моя машина") == ("localhost",)
    assert parse_name("*.lan.") == "*.lan"
    assert own_addresses("192.168.1.5") == (ip_address("192.168.1.5"),)
    assert own_addresses("frames.lan") == ()
    assert parse_address("::1") == ip_address("::1")
    with pytest.raises(click.BadParameter):
        parse_address("1.2.3")


# --- the whole program


def configured(folder: Path, options: str = "", *, has_certificates: bool = True) -> Path:
    """A data folder; with certificates for 127.0.0.1 beside it."""
    data = folder / "data"
    data.mkdir()
    (data / "options.yml").write_text(options)
    if has_certificates:
        assert cert(data, "--ip", "127.0.0.1").exit_code == 0
    return data


async def healthy(address: str, trust: ssl.SSLContext | bool = True) -> bool:
    """Whether the server answers there."""
    async with aiohttp.ClientSession() as http, http.get(f"{address}/healthz", ssl=trust) as answer:
        return answer.status == 200


async def refused(data: Path) -> str:
    """What the program says when it does not start: exit code 2, and nothing on standard output."""
    process = await start(data)
    out, err = await asyncio.wait_for(process.communicate(), HANG_LIMIT)
    assert (process.returncode, out) == (2, b"")
    assert "Traceback" not in err.decode()
    return err.decode()


async def test_http_and_https_on_every_port(tmp_path: Path, ports: list[int]) -> None:
    """The port that there was speaks both, so does a frame's own; https_port speaks HTTPS. All of them are told."""
    https, kitchen = ports
    data = configured(tmp_path, f"https_port: {https}\nframes: {{kitchen: {{port: {kitchen}}}}}\n")
    trust = ssl.create_default_context(cafile=str(tmp_path / "certs" / "cert.pem"))
    async with program(data) as server:
        assert server.process.stdout is not None
        more = [(await server.process.stdout.readline()).decode().rstrip() for _ in range(3)]
        assert server.said[0].rstrip() == f"Frame:   enter host 127.0.0.1 and port {server.port} in the frame"
        assert more == [
            f"HTTPS:   https://127.0.0.1:{server.port}",
            f"HTTPS:   https://127.0.0.1:{https}",
            f"Frame:   enter host 127.0.0.1 and port {kitchen} in the frame kitchen",
        ]
        for port in (server.port, kitchen):
            assert await healthy(f"http://127.0.0.1:{port}")
        for port in (server.port, kitchen, https):
            assert await healthy(f"https://127.0.0.1:{port}", trust)
        with pytest.raises(aiohttp.ClientError):
            await healthy(f"http://127.0.0.1:{https}")
        server.process.terminate()
        assert await asyncio.wait_for(server.process.wait(), HANG_LIMIT) == 0


async def test_half_a_pair_does_not_start(tmp_path: Path) -> None:
    """Exit code 2 and a sentence; so frames are not left with half of what their owner set up."""
    data = configured(tmp_path)
    (tmp_path / "certs" / "key.pem").unlink()
    assert "there is " + str(tmp_path / "certs" / "cert.pem") + " and no key.pem beside it" in await refused(data)


async def test_an_https_port_without_certificates_does_not_start(tmp_path: Path, ports: list[int]) -> None:
    """Whoever asks for HTTPS must get it or hear why not."""
    err = await refused(configured(tmp_path, f"https_port: {ports[0]}\n", has_certificates=False))
    assert "https_port needs certificates" in err
    assert str(tmp_path / "certs") in err


@pytest.mark.parametrize("option", ["https_port", "frames.kitchen.port"])
async def test_a_taken_port_is_named_by_its_option(tmp_path: Path, option: str) -> None:
    """Each port has its own option, so the message says which."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        line = f"https_port: {taken}" if option == "https_port" else f"frames: {{kitchen: {{port: {taken}}}}}"
        err = await refused(configured(tmp_path, f"{line}\n"))
    assert f"{option}: 127.0.0.1 port {taken} cannot be used" in err
