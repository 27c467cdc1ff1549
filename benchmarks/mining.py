"""Figures of report mining, part by part: ``python benchmarks/mining.py [matching|negation|relevance|pipeline ...]``.

Timings are ratios measured in one run. Parts that need files which may not travel with the project say so and go on.
"""

from __future__ import annotations

import importlib
import sys

PARTS = ("matching", "negation", "relevance", "pipeline")


def main(parts: list[str]) -> None:
    """Print the figures of the parts named, or of all."""
    for part in parts or PARTS:
        if part not in PARTS:
            raise SystemExit(f"{part}: not a part; choose from {', '.join(PARTS)}")
        print(f"== {part}", flush=True)
        importlib.import_module(f"mining_{part}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
