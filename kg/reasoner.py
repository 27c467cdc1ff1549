"""What an OWL reasoner says about an ontology: HermiT, on the Java runtime that comes with the graph engine.

HermiT is the one that ships inside owlready2. It is started directly, not through ``owlready2.sync_reasoner``, which
has no time limit, keeps its settings in global variables and writes its findings into the ontology it was given.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from kg import owl_vocabulary as v
from kg.errors import ReasonerError
from kg.ontology import Ontology
from kg.owl_document import Profile, document
from kg.owl_render import turtle
from kg.owl_terms import Block, Iri

_AXIOM = re.compile(r"^(SubClassOf|EquivalentClasses)\( (.*) \)$", re.MULTILINE)
_IRI = re.compile(r"<([^>]*)>")
_NOTHING = v.expand("owl:Nothing")
_LOGICAL = {"rdfs:subClassOf", "owl:disjointWith", "owl:members"}
_INJECTED = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")


@dataclass(frozen=True, slots=True)
class Classification:
    """The inferred hierarchy.

    Attributes:
        consistent: whether the ontology has a model at all.
        unsatisfiable: ids of the labels that no lesion can have, sorted.
        subsumptions: (child id, ancestor id) of all other labels, transitively closed; labels that imply each other
            appear in both orders, a label never with itself.
    """

    consistent: bool
    unsatisfiable: tuple[str, ...]
    subsumptions: frozenset[tuple[str, str]]


def classify(
    ontology: Ontology,
    profile: Literal["training", "strict"] = "strict",
    *,
    java: Path | None = None,
    memory_mb: int = 1024,
    timeout_s: float = 300.0,
) -> Classification:
    """Classify the logical axioms of an ontology.

    Args:
        ontology: what to reason over.
        profile: with ``strict``, exclusive labels are disjoint classes; with ``training`` there is only the hierarchy.
        java: the ``java`` program; by default the one in the graph engine's wheel.
        memory_mb: limit of Java's heap.
        timeout_s: seconds after which the reasoner is stopped.

    Raises:
        ReasonerError: no Java runtime or no HermiT in this installation, out of memory or time, or Java died.
    """
    axioms = _logical(document(ontology, Profile(profile)))
    with tempfile.TemporaryDirectory(prefix="lesionkg-reasoner-") as folder:
        file = Path(folder) / "ontology.ttl"
        file.write_text(turtle(axioms), encoding="utf-8")
        output = _run(file, java or bundled_java(), memory_mb, timeout_s)
    if output is None:
        return Classification(False, tuple(label.id for label in ontology.labels), frozenset())
    return _read(output)


def bundled_java() -> Path:
    """The ``java`` program inside the wheel ``arcadedb-embedded``.

    Raises:
        ReasonerError: this installation has none.
    """
    java = _package("arcadedb_embedded") / "jre" / "bin" / ("java.exe" if os.name == "nt" else "java")
    if not java.is_file():
        raise ReasonerError(f"reasoner: no Java runtime at {java}; install arcadedb-embedded again")
    return java


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ReasonerError(f"reasoner: the package {name} is missing; install lesionkg again")
    return Path(spec.origin).parent


def _logical(blocks: Iterable[Block]) -> Iterator[Block]:
    """The part of a document that reasoning is about: IRIs only, no text that HermiT's parser could stumble over."""
    for block in blocks:
        if block.type in ("owl:Class", "owl:AllDisjointClasses"):
            statements = ((name, value) for name, value in block.statements if name in _LOGICAL)
            bare = ((name, Iri(value.value) if isinstance(value, Iri) else value) for name, value in statements)
            yield Block(block.subject, block.type, tuple(bare))


def _run(file: Path, java: Path, memory_mb: int, timeout_s: float) -> str | None:
    """HermiT's output; None when it finds no model."""
    hermit = _package("owlready2") / "hermit"
    command = [
        str(java), f"-Xmx{memory_mb}m", "-cp", os.pathsep.join([str(hermit), str(hermit / "HermiT.jar")]),
        "org.semanticweb.HermiT.cli.CommandLine", "--classify", file.as_uri(),
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if name not in _INJECTED}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=timeout_s, check=False)
    except OSError as error:
        raise ReasonerError(f"reasoner: {java} cannot be started ({error.strerror}); install lesionkg again") from error
    except subprocess.TimeoutExpired as error:
        raise ReasonerError(
            f"reasoner: stopped after {timeout_s:g} s; give it more time or a smaller ontology"
        ) from error
    output, messages = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    if done.returncode == 0:
        return output
    if "InconsistentOntologyException" in messages:
        return None
    said = [line.strip() for line in f"{messages}\n{output}".splitlines() if line.strip() and not line.startswith("\t")]
    reason = "; ".join(said[:2]) or f"exit code {done.returncode}"
    raise ReasonerError(f"reasoner: Java failed ({reason[:200]}); try more memory than {memory_mb} MB")


def _read(output: str) -> Classification:
    above: dict[str, set[str]] = defaultdict(set)
    unsatisfiable: set[str] = set()
    for kind, arguments in _AXIOM.findall(output):
        iris = _IRI.findall(arguments)
        if kind == "SubClassOf":
            above[iris[0]].add(iris[1])
        elif _NOTHING in iris:
            unsatisfiable.update(iris)
        else:
            for iri in iris:
                above[iri].update(other for other in iris if other != iri)
    pairs = {(_label(iri), _label(other)) for iri in above for other in _ancestors(iri, above)}
    return Classification(
        consistent=True,
        unsatisfiable=tuple(sorted(filter(None, map(_label, unsatisfiable)))),
        subsumptions=frozenset((child, ancestor) for child, ancestor in pairs if child and ancestor),
    )


def _ancestors(iri: str, above: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [iri]
    while waiting:
        new = above.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found - {iri}


def _label(iri: str) -> str:
    return v.decode_id(iri.removeprefix(v.LABELS)) if iri.startswith(v.LABELS) else ""
