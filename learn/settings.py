"""Recipes as plain values: what JSON holds of a frozen dataclass of settings, and back, strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from kg.errors import InputError, UsageError

T = TypeVar("T")


def as_plain(settings: Any) -> dict[str, Any]:
    """Settings as plain values for JSON: a tuple as a list, an enum as its text."""
    return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(settings).items()}


def from_plain(cls: type[T], values: Mapping[str, Any], source: str) -> T:
    """Settings from plain values; what is not given takes its default.

    Args:
        cls: a frozen dataclass whose fields all have defaults.
        values: by field name.
        source: what the message of an error begins with.

    Raises:
        InputError: an unknown name, or a value of the wrong kind or out of range.
    """
    known: dict[str, Any] = {field.name: field.default for field in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InputError(f"{source}: unknown setting {unknown[0]!r}; known are {', '.join(known)}")
    try:
        return cls(**{name: _typed(value, known[name]) for name, value in values.items()})
    except (TypeError, ValueError) as error:
        raise InputError(f"{source}: {error}; see docs/training.md for each setting") from error
    except UsageError as error:
        raise InputError(f"{source}: {error}") from error


def read_plain(path: Path | str) -> dict[str, Any]:
    """The one object of a JSON file.

    Raises:
        InputError: no such file, or not a JSON object.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a JSON recipe ({type(error).__name__}); give one JSON object") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: not a JSON recipe; give one JSON object")
    return values


def _typed(value: Any, default: Any) -> Any:
    """``value`` in the type of ``default``; refuses what JSON would let slip (true for 1, 1.5 for a count)."""
    if isinstance(default, tuple):
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"{value!r} is not a list")
        return tuple(_typed(item, default[0]) for item in value)
    if isinstance(default, bool) or isinstance(value, bool):
        if type(value) is not type(default):
            raise TypeError(f"{value!r} is not a {type(default).__name__}")
        return value
    if isinstance(default, int) and not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return type(default)(value)
