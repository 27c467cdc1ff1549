"""Random numbers as a function of what they are for, so that no state of a generator has to be kept."""

from __future__ import annotations

import hashlib

import torch


def derived_seed(*key: int | str) -> int:
    """A seed of 63 bits for a key such as ``(seed, "order", epoch)``; different keys give unrelated seeds."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(*key: int | str) -> torch.Generator:
    """A generator on the CPU for a key."""
    return torch.Generator().manual_seed(derived_seed(*key))
