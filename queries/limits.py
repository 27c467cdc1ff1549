"""What a free query may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a free query may take.

    Attributes:
        seconds: time from handing it to the graph; it is killed at most one second later.
        rows: most rows of its result; the result says when there were more.
        memory_mb: most memory of the process that runs it, the graph engine included.
        workers: queries that run at the same time; others wait for their turn.
        waiting: queries that may wait for their turn; more are refused.
        result_mb: most bytes of its result, as JSON, in MB.
    """

    seconds: float = 30.0
    rows: int = 10_000
    memory_mb: int = 3072
    workers: int = 2
    waiting: int = 64
    result_mb: int = 64
