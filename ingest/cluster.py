"""A connection to a Dask cluster, for whatever is handed out in tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kg.errors import UsageError


@contextmanager
def dask_client(address: str) -> Iterator[Any]:
    """A client of a scheduler for the time of a ``with`` block.

    Args:
        address: of the scheduler, e.g. ``tcp://host:8786``.

    Raises:
        UsageError: Dask is not installed, or no scheduler answers.
    """
    try:
        import distributed
    except ModuleNotFoundError:
        raise UsageError("--dask: Dask is not installed; install lesionkg[dask]") from None
    connect: Any = distributed.Client
    try:
        client: Any = connect(address, timeout="5s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(
            f"--dask {address}: no scheduler answers ({type(error).__name__}); give tcp://host:port"
        ) from None
    with client:
        yield client
