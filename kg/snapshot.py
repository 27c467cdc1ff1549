"""The embedded engine's own copy of one committed state of a graph, made while others write.

The owner of a graph folder offers it to its Bolt clients as a procedure: it writes the copy beside the graph and names
the file, and the client, a process of the same user on the same machine, takes it from there.
"""

from __future__ import annotations

import os
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from kg import jvm

PROCEDURE = "lesionkg.snapshot"
"""Name of the owner's procedure; it takes nothing and yields ``file``."""

_numbers = count(1)


def write_snapshot(database: Any, target: Path) -> None:
    """Write the copy: a ZIP of the database's files.

    Args:
        database: the engine's ``com.arcadedb.database.Database``.
        target: a file that does not exist.
    """
    backup = jvm.java_class("com.arcadedb.integration.backup.Backup")(database, f"file://{target}")
    backup.setVerboseLevel(-1)  # at 0 it still prints
    backup.backupDatabase()


def remove_snapshots(folder: Path) -> None:
    """Take away copies beside a graph folder that a crash left behind; only its owner may."""
    for left in folder.parent.glob(f"{folder.name}.snapshot-*"):
        left.unlink(missing_ok=True)


@cache
def offer_snapshots() -> None:
    """Register the procedure in this process, for all graphs that it serves."""
    import jpype

    # The methods that Java gives a default are there too: JPype fails to call those with arguments.
    procedure = {
        "getName": lambda: PROCEDURE,
        "getDescription": lambda: "Writes a copy of the graph beside it and yields its path",
        "getMinArgs": lambda: 0,
        "getMaxArgs": lambda: 0,
        "getYieldFields": lambda: jvm.java_class("java.util.List").of("file"),
        "checkArity": lambda arguments: None,
        "validateArgs": lambda arguments: None,
        "isWriteProcedure": lambda *arguments: False,
        "execute": _execute,
    }
    interface = jvm.java_class("com.arcadedb.query.opencypher.procedures.CypherProcedure")
    registry = jvm.java_class("com.arcadedb.query.opencypher.procedures.CypherProcedureRegistry")
    registry.registerOrReplace(jpype.JProxy(interface, dict=procedure))


def _execute(arguments: Any, row: Any, context: Any, *wanted: Any) -> Any:
    """The procedure: one row with the path of the copy."""
    database = context.getDatabase()
    folder = Path(str(database.getDatabasePath()))
    target = folder.with_name(f"{folder.name}.snapshot-{os.getpid()}-{next(_numbers)}")
    write_snapshot(database, target)
    result = jvm.java_class("com.arcadedb.query.sql.executor.ResultInternal")()
    result.setProperty("file", str(target))
    return jvm.java_class("java.util.Collections").singletonList(result).stream()
