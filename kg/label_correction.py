"""Corrections of a lesion's labels by a curator."""

LACKS = "LACKS_LABEL"
SUPERSEDED = "SUPERSEDED"
