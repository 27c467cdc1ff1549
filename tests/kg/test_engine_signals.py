"""What ends a process ends one with an open graph too, at once and without a crash of the engine."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path
from kg.embedded import open_folder
with open_folder(Path(sys.argv[1]), create=True) as store:
    print("ready", flush=True)
    while True:
        pass
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_busy_process_ends_when_it_is_told_to(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", SCRIPT, tmp_path / "graph"], stdout=subprocess.PIPE) as busy:
        assert busy.stdout
        assert busy.stdout.readline() == b"ready\n"
        busy.send_signal(number)
        try:
            assert busy.wait(timeout=10) == -number
        finally:
            busy.kill()
