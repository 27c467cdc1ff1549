"""Every error this project raises on purpose, in one tree.

A message names the thing, the reason and the next step, on one line. The command line prints it and exits with
``exit_code``: 1 for findings and failures, 2 for wrong usage. Messages never hold patient identifiers or report text.
"""

from __future__ import annotations


class LesionKGError(Exception):
    """Base of all errors raised on purpose."""

    exit_code = 1


class UsageError(LesionKGError):
    """The caller asked for something that does not exist or cannot be combined."""

    exit_code = 2


class NotFoundError(UsageError):
    """What was named does not exist there: in the graph, or on the server."""


class InputError(LesionKGError):
    """A file given by the user is missing, truncated, of the wrong kind, or holds bad values."""


class UnsafeInputError(InputError):
    """An input was refused before anything in it was loaded (external entities, network imports, code)."""


class OntologyError(LesionKGError):
    """The ontology breaks one of its rules (a cycle, a self-exclusion, a dangling reference, ...)."""


class ChangeRefusedError(OntologyError):
    """A change set breaks a rule, or goes against a warning without a reason; nothing was saved."""


class ReasonerError(LesionKGError):
    """The OWL reasoner could not be run, ran past its limits, or died."""


class MatrixError(LesionKGError):
    """Relation matrices are inconsistent, or do not fit the labels they are used with."""


class StoreError(LesionKGError):
    """The graph store refused or failed."""


class StoreBusyError(StoreError):
    """Another process owns the embedded graph folder."""


class StoreUnreachableError(StoreError):
    """No Bolt server answers at the address."""


class StoreCredentialsError(StoreError):
    """The Bolt server refused the user or password."""


class SchemaVersionError(StoreError):
    """The graph was written by a newer version of the schema, or holds no schema of ours."""


class StaleRevisionError(StoreError):
    """The content of the graph no longer matches its stamped revision (an edit made behind our back)."""


class ConflictError(StoreError):
    """The graph changed between reading and writing (compare-and-set failed)."""


class CohortError(LesionKGError):
    """A cohort does not exist, or its frozen content no longer matches its hashes."""


class QueryRefusedError(UsageError):
    """A free query holds something that reading never needs; it was not run."""


class QueryTimeoutError(LesionKGError):
    """A query ran past its time limit and was stopped."""


class QueryCancelledError(LesionKGError):
    """A query was ended because its user asked for that."""


class QueryBusyError(StoreError):
    """Too many queries wait for their turn already."""


class TrainingError(LesionKGError):
    """Training or evaluation cannot go on with this data or run directory."""
