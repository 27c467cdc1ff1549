"""Addresses of queries: what a link to the page holds, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

_PARAMETER = "p."
LONGEST = 6000
"""Characters of an address above which free Cypher is not put into it: servers and mail programs cut it."""


@dataclass(frozen=True)
class QueryLink:
    """A query as an address names it.

    Attributes:
        name: of a named query; empty for none.
        saved: of a saved query; empty for none.
        cypher: free Cypher; empty for none.
        given: values of its parameters, as typed.
    """

    name: str = ""
    saved: str = ""
    cypher: str = ""
    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, address: Mapping[str, str]) -> QueryLink:
        """What the query string of an address means."""
        given = {key[len(_PARAMETER) :]: value for key, value in address.items() if key.startswith(_PARAMETER)}
        return cls(address.get("name", ""), address.get("saved", ""), address.get("cypher", ""), given)

    @property
    def path(self) -> str:
        """The address within the server."""
        what = {"name": self.name, "saved": self.saved, "cypher": self.cypher}
        pairs = {key: value for key, value in what.items() if value}
        pairs |= {_PARAMETER + key: value for key, value in self.given.items() if value}
        return "/query" + (f"?{urlencode(pairs, quote_via=quote)}" if pairs else "")

    @property
    def fits(self) -> bool:
        """Whether the address is short enough to be passed on."""
        return len(self.path) <= LONGEST
