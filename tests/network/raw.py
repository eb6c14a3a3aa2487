"""A server that answers with exactly these bytes, one connection after the other, and keeps what it was sent."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Raw:
    """Where it listens, and the requests that came."""

    port: int
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(*answers: bytes | Iterable[bytes], pause: float = 0.0, tls: ssl.SSLContext | None = None) -> Iterator[Raw]:
    """Serve while the block runs; the last answer is given again and again, its pieces with a pause between two."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        raw = Raw(listener.getsockname()[1])
        stop = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, raw, answers, pause, tls, stop), daemon=True)
        thread.start()
        try:
            yield raw
        finally:
            stop.set()
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", raw.port), timeout=1).close()
            thread.join(timeout=5)


def _serve(
    listener: socket.socket,
    raw: Raw,
    answers: tuple[bytes | Iterable[bytes], ...],
    pause: float,
    tls: ssl.SSLContext | None,
    stop: threading.Event,
) -> None:
    for number in range(10_000):
        connection, _ = listener.accept()
        with connection, suppress(OSError, ssl.SSLError):
            if stop.is_set():
                return
            connection.settimeout(5)
            plain = tls.wrap_socket(connection, server_side=True) if tls else connection
            with plain:
                if request := _read(plain):
                    raw.requests.append(request)
                    answer = answers[min(number, len(answers) - 1)]
                    for piece in [answer] if isinstance(answer, bytes) else answer:
                        if stop.is_set():
                            return
                        plain.sendall(piece)
                        time.sleep(pause)


def _read(connection: socket.socket) -> bytes:
    """A request, its body included; or the hello of TLS, which a server without it answers at once, as something that is no HTTP."""
    data = b""
    while b"\r\n\r\n" not in data and not data.startswith(b"\x16"):
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def tunnelling() -> Iterator[Raw]:
    """A proxy that carries one connection at a time through to where CONNECT asks for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        raw = Raw(listener.getsockname()[1])
        thread = threading.Thread(target=_tunnel, args=(listener, raw), daemon=True)
        thread.start()
        yield raw
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", raw.port), timeout=1).close()
        thread.join(timeout=5)


def _tunnel(listener: socket.socket, raw: Raw) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            request = _read(connection)
            if not request:
                return
            raw.requests.append(request)
            host, port = request.split()[1].decode().split(":")
            with socket.create_connection((host, int(port))) as other:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\nx-proxy: yes\r\n\r\n")
                back = threading.Thread(target=_forward, args=(other, connection), daemon=True)
                back.start()
                _forward(connection, other)
                back.join(timeout=5)


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A well-formed answer with these header lines besides."""
    lines = (b"HTTP/1.1 " + status, b"content-length: %d" % len(body), b"connection: close", *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def make_authority(directory: Path, host: str = "127.0.0.1") -> tuple[Path, ssl.SSLContext]:
    """A certificate authority that nobody knows, and a server of that host with a certificate of it."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a private authority")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file, private = directory / "ca.pem", directory / "server.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, private)
    return file, context
