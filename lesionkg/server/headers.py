"""What every answer tells the browser about what its page may do; docs/server.md says why."""

from __future__ import annotations

import re
from collections.abc import Sequence

Header = tuple[bytes, bytes]

_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(), geolocation=(), microphone=(), payment=(), usb=(), serial=(), hid=(), browsing-topics=()",
    ),
)

_OURS_ONLY = frozenset(name for name, _ in _ALWAYS) | {
    b"content-security-policy",
    b"access-control-allow-origin",  # the socket library of the page framework would let every site in
    b"access-control-allow-credentials",
    b"server",
    b"x-powered-by",
}

_STATIC = re.compile(r"/_nicegui/[^/]+/(static|libraries|components|resources|esm)/")


def page_policy(nonce: str) -> str:
    """The Content-Security-Policy of a page of the workbench.

    Args:
        nonce: random, new for each answer; only script tags of the page framework's own template carry it.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}' 'strict-dynamic' 'unsafe-eval'",
            "script-src-attr 'none'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


DATA_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The policy of answers that are no pages: nothing in them may run or load, should a browser show one."""


def secured(headers: Sequence[Header], path: str, nonce: str) -> list[Header]:
    """The headers of an answer with ours in place.

    Args:
        headers: as the application made them.
        path: of the request.
        nonce: of this answer.
    """
    kept = [(name, value) for name, value in headers if name.lower() not in _OURS_ONLY]
    given = {name.lower(): value for name, value in kept}
    own_policy = next((value for name, value in headers if name.lower() == b"content-security-policy"), None)
    is_page = given.get(b"content-type", b"").startswith(b"text/html")
    policy = own_policy or (page_policy(nonce) if is_page else DATA_POLICY).encode()
    kept += [*_ALWAYS, (b"content-security-policy", policy)]
    if not _STATIC.match(path):
        kept = [(name, value) for name, value in kept if name.lower() != b"cache-control"]
        kept.append((b"cache-control", b"private, no-cache" if b"etag" in given else b"no-store"))
    return kept
