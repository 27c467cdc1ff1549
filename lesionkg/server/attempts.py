"""How often an address gave a wrong token: it waits, and after some it is refused for a while."""

from __future__ import annotations

import time
from collections import OrderedDict

FREE = 5
"""Wrong tokens of one address before it is refused."""

WINDOW_S = 60.0
"""How long they count."""

DELAY_S = 1.0
"""How long the answer to a wrong token takes."""

_MOST_ADDRESSES = 4096


class Attempts:
    """Wrong tokens by address; used by the server's event loop only."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def note(self, address: str) -> bool:
        """Note a wrong token.

        Returns:
            Whether the address gave too many; no row of the audit log is worth it then.
        """
        now = time.monotonic()
        recent = [moment for moment in self._failed.pop(address, []) if moment > now - WINDOW_S]
        too_many = len(recent) >= FREE
        if not too_many:
            recent.append(now)
        self._failed[address] = recent
        while len(self._failed) > _MOST_ADDRESSES:
            self._failed.popitem(last=False)
        return too_many
