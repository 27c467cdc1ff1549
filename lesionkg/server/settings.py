"""What a server is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from queries.limits import Limits

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Hosts that only this machine reaches."""

ANYWHERE = ("0.0.0.0", "::")
"""Hosts that mean all addresses of this machine."""


@dataclass(frozen=True)
class Settings:
    """What a server is started with.

    Attributes:
        home: the data folder.
        graph: graph folder, or Bolt address.
        host: address to listen on.
        port: port to listen on; 0 for any that is free.
        hosts: further names under which browsers reach it, as in their Host header, without port.
        certificate: TLS certificate, with its chain, PEM; without one the server speaks plain HTTP.
        key: key of the certificate, PEM.
        ask_token: ask for a token on loopback too; elsewhere it is always asked for.
        limits: of free queries.
        upload_bytes: largest body of a request.
        smallest_group: exports hide groups of fewer patients than this; 0 hides none.
    """

    home: Path
    graph: str
    host: str = "127.0.0.1"
    port: int = 8080
    hosts: tuple[str, ...] = ()
    ask_token: bool = False
    certificate: Path | None = None
    key: Path | None = None
    limits: Limits = field(default_factory=Limits)
    upload_bytes: int = 2 << 30
    smallest_group: int = 0

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked for a token."""
        return self.host in LOOPBACK and not self.ask_token
