"""A release of an ontology: one folder with every format, matrices, report, change log and checksums.

The folder appears whole or not at all. Before anything is written the ontology passes its rules, the report has no
error, and HermiT finds that every label is possible; every file is read back before it is checksummed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from kg.curation.diff import diff
from kg.curation.diff_text import diff_markdown
from kg.errors import InputError, OntologyError, UsageError
from kg.exchange.change_log import LogEntry, change_log, since
from kg.exchange.formats import Format, lacks, read_onto, write
from kg.exchange.report import Level, ReportLine, counts, lines_of, ordered, report, report_tsv
from kg.matrices import RelationMatrices
from kg.ontology import Ontology
from kg.owl import load_owl, write_owl
from kg.reasoner_findings import check_with_reasoner

CHECKSUMS = "SHA256SUMS"
"""The file that ``sha256sum --check`` reads."""

MANIFEST = "release.json"
FORMAT = "lesionkg-release/1"

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}")
_UNFIT = re.compile(r"[^0-9A-Za-z._-]+")


@dataclass(frozen=True)
class Release:
    """A release that was made.

    Attributes:
        folder: where it is.
        ontology: what was released, under its version.
        lines: the report; no errors in it.
        checksums: SHA-256 of each file, by file name.
    """

    folder: Path
    ontology: Ontology
    lines: tuple[ReportLine, ...]
    checksums: dict[str, str]


def examine(ontology: Ontology) -> list[ReportLine]:
    """The report, with what the reasoner finds; it is asked only when the rules find no error.

    Raises:
        ReasonerError: the reasoner could not run or was stopped.
    """
    lines = report(ontology)
    if not errors_of(lines):
        lines = ordered([*lines, *lines_of(ontology, check_with_reasoner(ontology))])
    return lines


def errors_of(lines: Sequence[ReportLine]) -> list[ReportLine]:
    """The lines that stand in the way of a release."""
    return [line for line in lines if line.level is Level.ERROR]


def release(
    ontology: Ontology,
    folder: Path | str,
    version: str,
    date: str,
    history: Sequence[LogEntry] = (),
    previous: Ontology | None = None,
) -> Release:
    """Check an ontology and write it as a release.

    Args:
        ontology: what to release.
        folder: the folder to make; it must not exist, or be empty.
        version: version of the release: letters, digits, dots, plus and minus signs.
        date: its date, ``2026-01-31``.
        history: for the change log, newest first.
        previous: the ontology of the release before; the change log begins after it, and a diff is added.

    Raises:
        UsageError: version or date cannot be, or it is the version of the release before though something differs.
        InputError: the folder exists or cannot be written.
        OntologyError: the report has errors, or a format cannot hold the ontology; nothing was written.
        ReasonerError: the reasoner could not run or was stopped.
    """
    target = Path(folder)
    _require_new(target)
    released = replace(ontology, version=_version(version, ontology, previous))
    _require_date(date)
    lines = examine(released)
    errors = errors_of(lines)
    if errors:
        raise OntologyError(
            f"release of {ontology.name}: {errors[0].rule}: {errors[0].value or errors[0].name}"
            + (f" and {len(errors) - 1} errors more" if errors[1:] else "")
            + "; `lesionkg ontology report` lists them"
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise InputError(f"{target}: cannot be made ({error.strerror}); choose another place") from error
    try:
        made = _write_all(released, partial, date, lines, history, previous)
        partial.chmod(0o755)
        partial.replace(target)
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror}); choose another place") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Release(target, released, tuple(lines), made)


def stem(ontology: Ontology) -> str:
    """What the files of an ontology are called, without suffix."""
    return _UNFIT.sub("-", ontology.name).strip("-.") or "ontology"


def _require_new(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target}: exists; a release is never changed, choose another folder")


def _version(version: str, ontology: Ontology, previous: Ontology | None) -> str:
    if not _VERSION.fullmatch(version):
        raise UsageError(f"version {version!r}: use letters, digits, '.', '+' and '-', e.g. 1.2.0")
    if previous is not None and previous.version == version and previous.content_hash != ontology.content_hash:
        raise UsageError(f"version {version}: is that of the release before; choose a new one")
    return version


def _require_date(date: str) -> None:
    try:
        if datetime.strptime(date, "%Y-%m-%d").strftime("%Y-%m-%d") == date:
            return
    except ValueError:
        pass
    raise UsageError(f"date {date!r}: is none; write it as 2026-01-31")


def _write_all(
    ontology: Ontology,
    folder: Path,
    date: str,
    lines: Sequence[ReportLine],
    history: Sequence[LogEntry],
    previous: Ontology | None,
) -> dict[str, str]:
    """Write every file and read it back; SHA-256 by file name."""
    name = stem(ontology)
    for format_ in Format:
        file = folder / f"{name}{format_.value}"
        write(ontology, file)
        _require_same(ontology, read_onto(ontology, file), file)
    strict = folder / f"{name}.strict.owl"
    write_owl(ontology, strict, "strict")
    _require_same(ontology, load_owl(strict), strict)
    matrices = {s.name: RelationMatrices.from_ontology(ontology, s.name) for s in ontology.label_sets}
    for label_set, one in matrices.items():
        file = folder / f"{name}.{_UNFIT.sub('-', label_set)}.safetensors"
        if file.exists():
            raise OntologyError(f"label set {label_set!r}: another one has the file {file.name}; rename it")
        one.save(file)
    (folder / "report.tsv").write_bytes(report_tsv(lines).encode())
    entries = history if previous is None else since(history, previous)
    names = {label.id: label.name for label in (*(previous.labels if previous else ()), *ontology.labels)}
    title = f"{ontology.name} {ontology.version}, {date}"
    (folder / "CHANGES.md").write_bytes(change_log(title, entries, names).encode())
    if previous is not None:
        (folder / "DIFF.md").write_bytes((diff_markdown(diff(previous, ontology)) + "\n").encode())
    (folder / "NOTICE.txt").write_bytes("\n\n".join(n.strip("\n") for n in ontology.notices).encode() + b"\n")
    (folder / MANIFEST).write_bytes(
        (
            json.dumps(
                {
                    "format": FORMAT,
                    "ontology": ontology.name,
                    "version": ontology.version,
                    "date": date,
                    "previous_version": previous.version if previous else None,
                    "ontology_hash": ontology.content_hash,
                    "matrix_hashes": {key: one.matrix_hash for key, one in matrices.items()},
                    "labels": len(ontology.labels),
                    "relations": len(ontology.relations),
                    "exclusive_pairs": len(ontology.all_exclusive_pairs),
                    "checks": {"rules": "passed", "reasoner": "HermiT: consistent, every label possible"},
                    "report": [{"level": k[0], "rule": k[1], "count": n} for k, n in counts(lines).items()],
                    "lacks": {f"{name}{one.value}": list(lacks(one)) for one in Format if lacks(one)},
                    "use": "Research use only; not for diagnosis.",
                },
                ensure_ascii=False,
                indent=1,
            )
            + "\n"
        ).encode()
    )
    sums = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}
    (folder / CHECKSUMS).write_bytes("".join(f"{digest}  {file}\n" for file, digest in sums.items()).encode())
    for file in folder.iterdir():
        file.chmod(0o644)
        _sync(file)
    return sums


def _require_same(ontology: Ontology, back: Ontology, file: Path) -> None:
    if back != ontology:
        raise OntologyError(f"{file.name}: does not read back as {ontology.name}; nothing was released, report this")


def _sync(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
