"""Relation algebra on sparse boolean matrices.

Conventions: ``C`` labels, ``N`` lesions. ``ancestors[c, p]`` is true when ``p`` is an ancestor of ``c`` (never the
label itself). ``exclusive`` is symmetric. Label data ``Y`` is N x C boolean. All functions are pure and vectorised;
sparse arrays are CSR with sorted indices and no stored zeros.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from kg.errors import MatrixError

# SciPy ships no types: the alias documents what the arrays are, boolean ``scipy.sparse.csr_array``.
BoolMatrix: TypeAlias = Any


def as_bool(matrix: object) -> BoolMatrix:
    """A canonical boolean CSR array: sorted indices, no duplicates, no stored zeros; the argument when it is one."""
    if isinstance(matrix, sp.csr_array) and matrix.dtype == bool and matrix.has_canonical_format and matrix.data.all():
        return matrix
    out = sp.csr_array(matrix, dtype=bool, copy=True)
    out.sum_duplicates()
    out.eliminate_zeros()
    return out


def from_pairs(pairs: np.ndarray, n: int, symmetric: bool = False) -> BoolMatrix:
    """Boolean n x n matrix from index pairs.

    Args:
        pairs: integer array, shape (k, 2).
        n: number of labels.
        symmetric: also set the transposed cells.
    """
    pairs = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    if symmetric:
        pairs = np.concatenate([pairs, pairs[:, ::-1]])
    return as_bool(sp.coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n)))


def to_pairs(matrix: object, symmetric: bool = False) -> np.ndarray:
    """Index pairs of the true cells in row-major order, shape (k, 2); of a symmetric matrix the cells with i <= j."""
    coo = sp.coo_array(as_bool(matrix))
    pairs = np.stack([coo.row, coo.col], axis=1).astype(np.int64)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return pairs[pairs[:, 0] <= pairs[:, 1]] if symmetric else pairs


def product(a: object, b: object) -> BoolMatrix:
    """Boolean matrix product (SciPy adds booleans by or)."""
    out = as_bool(a) @ as_bool(b)
    out.sort_indices()
    return out


def union(a: object, b: object) -> BoolMatrix:
    """Cell-wise or."""
    return as_bool(as_bool(a) + as_bool(b))


def minus(a: object, b: object) -> BoolMatrix:
    """Cells of ``a`` that are not cells of ``b``."""
    left = sp.csr_array(a).astype(np.int8)
    return as_bool(left - left.multiply(sp.csr_array(b).astype(np.int8)))


def identity(n: int) -> BoolMatrix:
    """The n x n identity."""
    return as_bool(sp.eye_array(n, dtype=bool, format="csr"))


def closure(parents: object) -> BoolMatrix:
    """Transitive closure (not reflexive, unless there is a cycle).

    Args:
        parents: C x C, ``parents[c, p]`` when ``p`` is a parent of ``c``.
    """
    reach = as_bool(parents)
    while True:
        grown = union(reach, product(reach, reach))
        if grown.nnz == reach.nnz:
            return grown
        reach = grown


def cycles(parents: object) -> list[list[int]]:
    """Groups of labels that are each other's ancestors, each sorted; empty for an acyclic hierarchy."""
    matrix = as_bool(parents)
    _, component = connected_components(matrix, directed=True, connection="strong")
    groups = [np.flatnonzero(component == k).tolist() for k in np.flatnonzero(np.bincount(component) > 1)]
    loops = [[int(i)] for i in np.flatnonzero(matrix.diagonal())]
    return sorted(groups + [loop for loop in loops if not any(loop[0] in group for group in groups)])


def reduction(ancestors: object) -> BoolMatrix:
    """Transitive reduction of an acyclic closure: the fewest pairs with the same closure.

    Raises:
        MatrixError: the closure has a cycle, so that the reduction is not unique.
    """
    closed = closure(ancestors)
    if closed.diagonal().any():
        raise MatrixError("transitive reduction: the hierarchy has a cycle; `lesionkg ontology check` names it")
    return minus(closed, product(closed, closed))


def inherit_exclusive(exclusive: object, ancestors: object, exceptions: object | None = None) -> BoolMatrix:
    """Exclusion closed under inheritance: if a and b are exclusive, so are all their descendants.

    ``(A + I) E (A + I)^T`` with E symmetrised. A true diagonal cell is a contradiction (a label exclusive with itself).
    Where two labels may meet on one lesion, so may everything they imply: each exception takes its pair and all pairs
    above it out, ``(A + I)^T F (A + I)``. What remains is still closed under inheritance.

    Args:
        exclusive: C x C, asserted pairs.
        ancestors: C x C, transitively closed.
        exceptions: C x C, pairs that may meet; none when None.
    """
    down = union(ancestors, identity(as_bool(ancestors).shape[0]))
    inherited = product(product(down, _symmetric(exclusive)), down.T)
    if exceptions is None or not as_bool(exceptions).nnz:
        return inherited
    return minus(inherited, product(product(down.T, _symmetric(exceptions)), down))


def _symmetric(matrix: object) -> BoolMatrix:
    cells = as_bool(matrix)
    return union(cells, cells.T)


def minimal_exclusive(exclusive: object, ancestors: object) -> BoolMatrix:
    """The fewest exclusive pairs that inherit to the same closure (symmetric; the diagonal is left out).

    A pair is redundant when a pair with an ancestor-or-self on either side, other than itself, is exclusive too.
    """
    closed = inherit_exclusive(exclusive, ancestors)
    up = as_bool(ancestors)
    redundant = union(product(up, closed), product(closed, up.T))
    minimal = minus(closed, redundant)
    return minus(minimal, identity(closed.shape[0]))


def expand(labels: object, ancestors: object) -> BoolMatrix:
    """Label data with all ancestors added, N x C. Idempotent, monotone, extensive (LesaNet, section 3.2)."""
    return product(labels, union(ancestors, identity(as_bool(ancestors).shape[0])))


def reliable_negatives(labels: object, exclusive: object) -> BoolMatrix:
    """Labels exclusive with a positive label and not positive themselves, N x C (LesaNet, section 3.3).

    Args:
        labels: N x C positives, expanded.
        exclusive: C x C exclusion closure.
    """
    return minus(product(labels, exclusive), labels)


def contradictions(labels: object, exclusive: object) -> np.ndarray:
    """Every exclusive pair that is positive on one lesion.

    Returns:
        Integer array, shape (k, 3): lesion row, smaller label column, larger label column; sorted.
    """
    positive = as_bool(labels)
    exclusive_dense = as_bool(exclusive).toarray()
    lengths = np.diff(positive.indptr).astype(np.int64)
    rows = np.repeat(np.arange(positive.shape[0]), lengths)
    partners = lengths[rows]  # every label is paired with each label of its lesion
    first = np.repeat(positive.indices.astype(np.int64), partners)
    place = np.arange(len(first)) - np.repeat(np.cumsum(partners) - partners, partners)
    second = positive.indices[np.repeat(positive.indptr[rows], partners) + place].astype(np.int64)
    clash = (first <= second) & exclusive_dense[first, second]
    return np.column_stack([np.repeat(rows, partners)[clash], first[clash], second[clash]])


def coherent(labels: object, ancestors: object, exclusive: object) -> np.ndarray:
    """Which lesions' label sets contain every ancestor and no exclusive pair; boolean, shape (N,)."""
    positive = as_bool(labels)
    missing = minus(product(positive, ancestors), positive)
    clash = product(positive, exclusive).multiply(positive)
    ok: np.ndarray = (np.diff(missing.indptr) == 0) & (np.diff(as_bool(clash).indptr) == 0)
    return ok
