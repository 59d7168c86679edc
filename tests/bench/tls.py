"""TLS as a frame speaks it: 1.2, nobody's certificate is checked, and records of 512 bytes where that is asked for."""

from __future__ import annotations

import ctypes
import socket
import ssl
import sys

_MAX_512 = 1  # RFC 6066: the code of 512 bytes in the extension max_fragment_length
_HEADER = 5  # bytes before each record; the last two hold its length


def client_context(*, short_records: bool = False) -> ssl.SSLContext:
    """For a client. With `short_records` it asks the server for records of at most 512 bytes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    if short_records:
        _ask_for_short_records(context)
    return context


def _ask_for_short_records(context: ssl.SSLContext) -> None:
    """The standard library cannot say this, so the OpenSSL below it is told directly.

    CPython keeps the SSL_CTX pointer as the first thing after an object's head.
    """
    if sys.implementation.name != "cpython":
        raise RuntimeError("records of 512 bytes can be asked for on CPython only")
    import _ssl

    tell = ctypes.CDLL(_ssl.__file__).SSL_CTX_set_tlsext_max_fragment_length
    tell.argtypes, tell.restype = [ctypes.c_void_p, ctypes.c_uint8], ctypes.c_int
    if tell(ctypes.c_void_p.from_address(id(context) + object.__basicsize__), _MAX_512) != 1:
        raise RuntimeError("OpenSSL does not take a maximum length of records")


def largest_record(port: int, request: bytes, context: ssl.SSLContext) -> int:
    """Asks once, on a connection that is looked at from outside; the encrypted bytes of the largest record."""
    incoming, outgoing, seen = ssl.MemoryBIO(), ssl.MemoryBIO(), bytearray()
    tls = context.wrap_bio(incoming, outgoing)
    with socket.create_connection(("127.0.0.1", port), 10) as sock:

        def exchange() -> bool:
            if outgoing.pending:
                sock.sendall(outgoing.read())
            data = sock.recv(65536)
            seen.extend(data)
            incoming.write(data)
            return bool(data)

        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                exchange()
        seen.clear()
        tls.write(request)
        answer = b""
        while not answer.endswith(b"\r\n0\r\n\r\n"):
            try:
                answer += tls.read(65536)
            except ssl.SSLWantReadError:
                if not exchange():
                    raise ConnectionResetError("the server hung up in its answer") from None
    return max(_lengths(bytes(seen)))


def _lengths(records: bytes) -> list[int]:
    place, found = 0, []
    while place + _HEADER <= len(records):
        found.append(int.from_bytes(records[place + 3 : place + _HEADER], "big"))
        place += _HEADER + found[-1]
    return found
