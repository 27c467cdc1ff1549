"""The nonce of an answer on the script tags of the page framework's template, and on nothing else.

The tags get it in the source of the template, before any value is put in: a tag that comes with a value has none, and
the browser does not run it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from jinja2 import BaseLoader, Environment
from nicegui.client import templates

_TAG = re.compile(r"<(script|link)\b")
_NONCE = r'<\1 nonce="{{ request.state.nonce }}"'


class NoncedLoader(BaseLoader):
    """Templates of another loader, with the nonce on their tags."""

    def __init__(self, loader: BaseLoader) -> None:
        self._loader = loader

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        """The source of a template; ``request`` must be among the values it is rendered with."""
        source, file, is_current = self._loader.get_source(environment, template)
        return _TAG.sub(_NONCE, source), file, is_current


def add_nonces() -> None:
    """Put the nonce on the page framework's template. Calling it again changes nothing."""
    loader = templates.env.loader
    if loader is not None and not isinstance(loader, NoncedLoader):
        templates.env.loader = NoncedLoader(loader)
