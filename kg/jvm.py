"""The Java virtual machine that runs the embedded graph engine: started once per process, bounded and quiet.

The engine's wheel brings its own Java runtime. It is started here and not by the wheel's helper, because that helper
adds an incubator module we do not use, whose warning the runtime prints on every start.
"""

from __future__ import annotations

import glob
import os
import shlex
import tempfile
import threading
from pathlib import Path
from typing import Any

from kg.errors import StoreError

HEAP = "1g"
"""Most memory Java objects may take: enough to load all of DeepLesion in one transaction."""

OPTIONS = "LESIONKG_JAVA_OPTIONS"
"""Environment variable with further options, which win over ours: ``-Xmx4g`` for a graph larger than DeepLesion."""

_starting = threading.Lock()


def start() -> None:
    """Start the virtual machine if this process has none yet.

    Signals stay with Python, the engine's log stays silent (no ``log`` folder in the current directory), and
    ``LOAD CSV`` can reach neither files nor the network.

    Raises:
        StoreError: the Java runtime of the engine's wheel is missing or does not start.
    """
    import jpype
    from arcadedb_embedded.exceptions import ArcadeDBError
    from arcadedb_embedded.jvm import get_bundled_jre_lib_path, get_jar_path

    with _starting:
        if jpype.isJVMStarted():
            return
        crash_log = Path(tempfile.gettempdir()) / "lesionkg-java-crash-%p.log"
        options = [
            f"-Xmx{HEAP}",
            "-XX:+UseSerialGC",  # two cores and a small heap: no collector threads, least memory
            "-XX:+UseCompactObjectHeaders",
            f"-XX:ErrorFile={crash_log}",
            f"-Djava.util.logging.config.file={Path(__file__).with_name('engine-logging.properties')}",
            "-Xrs",  # SIGTERM and SIGHUP end the process; the JVM would shut down under running Python code and crash
            "-Djava.awt.headless=true",
            "-Dfile.encoding=UTF8",
            "-Dpolyglot.engine.WarnInterpreterOnly=false",
            "-Darcadedb.opencypher.loadCsv.allowFileUrls=false",
            "-Darcadedb.opencypher.loadCsv.allowRemoteUrls=false",
            "--enable-native-access=ALL-UNNAMED",
            "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
            "--add-opens=java.base/java.nio.channels.spi=ALL-UNNAMED",
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            *shlex.split(os.environ.get(OPTIONS, "")),
        ]
        try:
            jars = sorted(glob.glob(os.path.join(glob.escape(get_jar_path()), "*.jar")))  # noqa: PTH118, PTH207
            jpype.startJVM(get_bundled_jre_lib_path(), *options, classpath=jars, interrupt=False)
        except (ArcadeDBError, OSError, RuntimeError, jpype.JVMNotFoundException) as error:
            raise StoreError(
                f"graph engine: its Java runtime does not start ({error}); reinstall arcadedb-embedded"
            ) from error
        # A thread that ends attached holds up the end of the process; a later call of its own attaches it once more.
        if threading.current_thread() is not threading.main_thread():
            java_class("java.lang.Thread").detach()


def java_class(name: str) -> Any:
    """A Java class of the engine by its full name; the virtual machine must be running."""
    import jpype

    return jpype.JClass(name)
