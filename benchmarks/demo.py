"""The demo in a fresh data folder: wall time and peak memory, each beside its bound.

Usage: ``python benchmarks/demo.py``
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS = 120
GIGABYTES = 3.0


def main() -> None:
    """Run and print."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "lesionkg", "demo", "--json"],
            check=True,
            stdout=subprocess.PIPE,
            env={**os.environ, "LESIONKG_HOME": str(Path(folder) / "home")},
        )
        seconds = time.perf_counter() - start
    gigabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    report = json.loads(done.stdout)
    print(f"wall time    {seconds / SECONDS:5.2f} of {SECONDS} s   ({seconds:.0f} s on {os.cpu_count()} cores)")
    print(f"peak memory  {gigabytes / GIGABYTES:5.2f} of {GIGABYTES:.0f} GB  ({gigabytes:.2f} GB)")
    for step, taken in report["timings"].items():
        if step != "total":
            print(f"  {step:10} {taken / report['timings']['total']:5.0%}")
    print(f"macro AUC {report['metrics']['test']['macro_auc']:.4f}")


if __name__ == "__main__":
    main()
