"""The address a server listens on, taken before anything is opened."""

from __future__ import annotations

import socket

from kg.errors import UsageError


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        UsageError: the address is taken, or is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"address {host}:{port}: cannot be listened on ({error.strerror}); give another --port"
        ) from error
