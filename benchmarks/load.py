"""A small HTTP/1.1 client for load on loopback: raw sockets, keep-alive, a bounded number of requests."""

import selectors
import socket
from dataclasses import dataclass, field

_LENGTH = b"content-length: "


@dataclass(slots=True)
class _Connection:
    sock: socket.socket
    received: bytearray = field(default_factory=bytearray)
    expected: int = 0


def prepare(path: str, bodies: list[bytes], *, port: int) -> list[bytes]:
    """Whole requests as bytes."""
    return [
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n".encode()
        + body
        for body in bodies
    ]


def send_all(requests: list[bytes], *, port: int, count: int, connections: int = 4) -> int:
    """Sends `count` requests, in turn from the list, over a few connections at once.

    Returns:
        Bytes of the answers' bodies.

    Raises:
        RuntimeError: an answer that is not 200.
    """
    selector = selectors.DefaultSelector()
    left, answered, size = count, 0, 0
    for _ in range(connections):
        connection = _Connection(socket.create_connection(("127.0.0.1", port)))
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection.sock, selectors.EVENT_READ, connection)
        connection.sock.sendall(requests[left % len(requests)])
        left -= 1
    while answered < count:
        for key, _ in selector.select(timeout=10):
            connection = key.data
            connection.received += connection.sock.recv(65_536)
            if not connection.expected:
                end = connection.received.find(b"\r\n\r\n")
                if end < 0:
                    continue
                if not connection.received.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(bytes(connection.received[:200]).decode("latin-1"))
                at = connection.received.find(_LENGTH) + len(_LENGTH)
                length = int(connection.received[at : connection.received.find(b"\r\n", at)])
                connection.expected = end + 4 + length
                size += length
            if len(connection.received) >= connection.expected:
                answered += 1
                connection.received.clear()
                connection.expected = 0
                if left > 0:
                    connection.sock.sendall(requests[left % len(requests)])
                    left -= 1
    for key in list(selector.get_map().values()):
        key.data.sock.close()
    selector.close()
    return size
