"""The certificate of a server, looked at before anything is opened."""

from __future__ import annotations

import ssl
from pathlib import Path

from kg.errors import UsageError


def require_certificate(certificate: Path | None, key: Path | None) -> None:
    """Refuse a certificate that cannot be used.

    Args:
        certificate: PEM file, with its chain; ``None`` for a server without TLS.
        key: PEM file; ``None`` when the certificate's file holds it.

    Raises:
        UsageError: a key alone, a file that is missing or no PEM, or two that do not belong together.
    """
    if certificate is None:
        if key is not None:
            raise UsageError(f"--key {key}: give --certificate too")
        return
    for file in (certificate, key):
        if file is not None and not file.is_file():
            raise UsageError(f"TLS file {file}: does not exist; name a PEM file")
    try:
        # A password makes a protected key an error: without one OpenSSL asks for it on the terminal.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or "not readable"
        raise UsageError(f"TLS certificate {certificate}: cannot be used with its key ({reason})") from None
