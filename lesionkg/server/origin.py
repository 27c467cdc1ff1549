"""Whether a request comes from where it says: against DNS rebinding, CSRF and hijacked web sockets.

A browser tells the name it reached the server under (``Host``), the site whose page made it ask (``Origin``), and how
that site relates to this one (``Sec-Fetch-Site``). Programs send no ``Origin``, and cannot be made to ask by a page.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from lesionkg.server.settings import ANYWHERE, LOOPBACK, Settings


def known_names(settings: Settings) -> frozenset[str]:
    """Names under which browsers may reach the server, lower case, without port."""
    names = {*LOOPBACK, settings.host, *settings.hosts}
    if settings.host in ANYWHERE:
        names |= {socket.gethostname(), socket.getfqdn()}
    return frozenset(name.lower().rstrip(".") for name in names) - frozenset(ANYWHERE)


def is_known_host(host: str, names: frozenset[str], arrived_at: str) -> bool:
    """Whether a ``Host`` header names this server.

    Args:
        host: the header.
        names: from :func:`known_names`.
        arrived_at: local address of the connection; as a number it is no name that somebody could point here.
    """
    name = _hostname(host)
    if name is None:
        return False
    return name in names or (_is_address(name) and name == arrived_at)


def is_own_page(headers: Mapping[str, str], secure: bool, navigation_allowed: bool) -> bool:
    """Whether a request comes from one of our own pages, or from no page at all.

    Args:
        headers: by lower-case name, ``Host`` checked already.
        secure: whether this server speaks TLS itself.
        navigation_allowed: let links of other sites lead here: a ``GET`` that shows a page.
    """
    origin = headers.get("origin")
    if origin is not None and not _is_same(origin, headers.get("host", ""), secure):
        return False
    site = headers.get("sec-fetch-site", "none")
    if site in ("same-origin", "none"):
        return True
    return (
        navigation_allowed
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest", "document") == "document"
    )


def _is_same(origin: str, host: str, secure: bool) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in (("https",) if secure else ("http", "https")):
        return False
    standard = ":443" if parts.scheme == "https" else ":80"
    return parts.netloc.lower().removesuffix(standard) == host.lower().removesuffix(standard)


def _hostname(host: str) -> str | None:
    """The name in a ``Host`` header; ``None`` when it is none."""
    if not host or set(host) & set("/?#@\\ \t,"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    name = parts.hostname
    return name.rstrip(".") if name else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
