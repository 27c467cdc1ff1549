"""The Java runtime may be started by any thread; the process ends all the same."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import threading
from kg import jvm
starter = threading.Thread(target=jvm.start)
starter.start()
starter.join()
user = threading.Thread(target=lambda: jvm.java_class("java.lang.System").currentTimeMillis())
user.start()
user.join()
print(jvm.java_class("java.lang.Thread").currentThread().isDaemon())
"""


def test_a_process_ends_whose_runtime_a_thread_started_that_is_gone() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True\n", "threads of Python never hold up the end of the runtime"
