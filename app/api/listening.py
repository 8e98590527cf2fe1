"""Sockets to listen with, at whatever kind of address the settings name."""

import socket
from collections.abc import Iterable


def bind_address(host: str, *, port: int, options: Iterable[int] = (socket.SO_REUSEADDR,)) -> socket.socket:
    """A socket bound to this address, IPv4 or IPv6, that does not listen yet.

    Args:
        host: a name or an address of this machine.
        port: 0 for one that the system chooses.
        options: of the socket, to be turned on.

    Raises:
        OSError: the address is taken, not this machine's, or not for us to take.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in options:
            bound.setsockopt(socket.SOL_SOCKET, option, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
