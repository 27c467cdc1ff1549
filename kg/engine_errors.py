"""What the embedded engine raises, and the errors of our tree for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kg import jvm
from kg.errors import StoreBusyError, StoreError
from kg.ownership import read_ownership


def engine_errors() -> tuple[type[BaseException], ...]:
    """The exception types that a call into the engine may raise; for an ``except`` clause."""
    import jpype
    from arcadedb_embedded.exceptions import ArcadeDBError

    return (ArcadeDBError, jpype.JException) if jpype.isJVMStarted() else (ArcadeDBError,)


def is_conflict(error: StoreError) -> bool:
    """Whether the engine asks for the transaction to be run again."""
    need_retry = jvm.java_class("com.arcadedb.exception.NeedRetryException")
    return any(isinstance(cause, need_retry) for cause in _causes(error))


def reason(error: BaseException) -> str:
    """The innermost message, on one line; of a duplicated key without its value, which may name a patient."""
    chain = _causes(error)
    if any("DuplicatedKeyException" in str(type(cause)) for cause in chain):
        return "a node with this key exists already"
    messages = [str(cause.getMessage() or "") if hasattr(cause, "getMessage") else str(cause) for cause in chain]
    text = next((message for message in reversed(messages) if message), type(error).__name__)
    return " ".join(text.split())[:300]


def opening_error(folder: Path, error: BaseException) -> StoreError:
    """The error to raise when the engine did not open a folder: held by somebody, or damaged."""
    text = reason(error)
    if "already in use" in text:
        return StoreBusyError(f"graph {folder}: this process has it open already; use that store, or close it first")
    if "locked by another process" in text:
        owner = read_ownership(folder)
        who = f"process {owner.pid}" if owner else "another process"
        return StoreBusyError(f"graph {folder}: {who} has it open; wait, or stop it, or let it `lesionkg graph serve`")
    return StoreError(
        f"graph {folder}: cannot be opened, it may be damaged ({text}); restore a backup or load it afresh"
    )


def _causes(error: BaseException | None) -> list[Any]:
    """The Python and Java exceptions behind an error, outermost first."""
    chain: list[Any] = []
    while error is not None and len(chain) < 32:
        chain.append(error)
        error = error.getCause() if hasattr(error, "getCause") else error.__cause__
    return chain
