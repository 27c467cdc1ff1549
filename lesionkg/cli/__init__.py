"""The command line: one file per verb, each calling one public function."""

from __future__ import annotations

import sys

from lesionkg.cli.app import run


def main() -> None:
    """Entry point of the ``lesionkg`` command."""
    sys.exit(run(sys.argv[1:]))
