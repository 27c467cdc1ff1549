"""Reading changes: lines of KGCL, with the clauses and sentences of ours that :mod:`kg.curation.kgcl` writes.

Labels are named by id or by preferred name, in quotes where it has a space. People may write a little more than is
written: relations by plain words (``located_in``), a new label without an id, and the larger edits as one sentence::

    create edge 'simple cyst' typically_located_in kidney
    create class 'ground glass nodule' #: class 'type' definition 'A hazy nodule.'
    create edge 'ground glass nodule' is_a 'lung nodule' #: evidence 'by its name'
    create edge 'liver mass' exclusive_with 'lung mass'
    create edge rectum compatible_with pelvis
    lkg:merge mass into nodule
    lkg:split 'liver mass' into 'left liver mass', 'right liver mass'
    lkg:deprecate 'lobular mass' with replacement 'spiculated mass'
    lkg:push-down abdomen and chest except liver, kidney and lung
    lkg:remove-label 'left costophrenic sulcus'
    lkg:new-version '2' of label-set 'lesanet-171' with 'ground glass nodule' without mass
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from kg.curation import composites
from kg.curation.change_set import Change, Composite
from kg.curation.edits import Provenance, new_set_version
from kg.curation.facts import (
    LabelField,
    LabelStatus,
    LabelSynonym,
    LabelText,
)
from kg.curation.kgcl import ANNOTATIONS
from kg.curation.kgcl_facts import Facts, class_of
from kg.curation.kgcl_line import Known, Line
from kg.curation.kgcl_words import PREDICATES
from kg.errors import InputError, LesionKGError
from kg.ontology import (
    Label,
    Ontology,
    Relation,
    RelationKind,
    Synonym,
    SynonymScope,
)

_TO = ("to", "as", "->")


def parse_changes(
    text: str,
    ontology: Ontology,
    author: str = "",
    created: str = "",
    source: str = "",
    used_ids: Iterable[str] = (),
) -> tuple[Change | Composite, ...]:
    """The changes that a text describes, one for each line or block of lines.

    Args:
        text: the lines; empty ones and remarks (``# ...``) are passed over. A line may speak of what lines above made.
        ontology: what the changes are made on.
        author: who makes the relations that do not name their author.
        created: when, ISO 8601.
        source: what asserts the facts that do not name their source.
        used_ids: ids that are given away elsewhere, so that no new label gets one of them.

    Raises:
        InputError: a line cannot be read, names no label, or does not fit the ontology; the message has its number.
    """
    known, default = Known(ontology), Provenance(source, author, created)
    reader = _Reader(known, default, Facts(known, default, used_ids), tuple(used_ids))
    number = 0
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        try:
            reader.read(line)
        except (ValueError, LesionKGError) as error:
            raise InputError(f"line {number}: {error}") from error
    if reader.block is not None:
        raise InputError(f"line {number}: the block of {reader.block.kind!r} is not closed; add lkg:end")
    return tuple(reader.done)


@dataclass
class _Block:
    """A composite that is being read."""

    kind: str
    labels: tuple[str, ...]
    undone: bool
    parts: list[Change] = field(default_factory=list)


@dataclass
class _Reader:
    """Reads line after line."""

    known: Known
    default: Provenance
    facts: Facts
    used_ids: tuple[str, ...]
    done: list[Change | Composite] = field(default_factory=list)
    block: _Block | None = None

    def read(self, text: str) -> None:
        """Read one line."""
        line = Line(text, self.known)
        if not line.left:
            line.ends()
            return
        word = line.word()
        if word not in _SENTENCES:
            known = ", ".join(_SENTENCES)
            raise ValueError(f"{word!r} begins no sentence; begin with one of {known}")
        change = _SENTENCES[word](self, line)
        line.ends()
        if change is not None:
            self._keep(change)

    def _keep(self, change: Change | Composite) -> None:
        for part in change.primitives():
            self.known.put(part)
        if self.block is None:
            self.done.append(change)
        elif isinstance(change, Change):
            self.block.parts.append(change)
        else:
            raise ValueError("a block holds no other block; close it with lkg:end first")

    # ---- sentences of KGCL -----------------------------------------------------------------------------------------

    def rename(self, line: Line) -> Change:
        """``rename ID from 'a' to 'b'``, ``rename 'a' to 'b'``."""
        label = self.known.whole(line.label())
        if line.accepts("from"):
            _same("name", line.text(), label.name)
        line.expects(*_TO)
        new = line.filled("the new name")
        return _text(label.id, LabelField.NAME, label.name, new)

    def create(self, line: Line) -> Change:
        """A label, a synonym or an edge."""
        if line.accepts("edge"):
            return Change(None, self.facts.edge(line))
        if line.accepts("class") or line.accepts("node"):
            return Change(None, self.facts.label(line))
        scope = next((scope for scope in SynonymScope if line.accepts(scope.value)), SynonymScope.EXACT)
        line.expects("synonym")
        text = line.filled("the synonym")
        line.expects("for")
        synonym = Synonym(text, scope, line.clause("source", self.default.source))
        return Change(None, LabelSynonym(line.label(), synonym))

    def delete(self, line: Line) -> Change:
        """A label or an edge."""
        if line.left > 1 and line.accepts("edge"):
            return Change(self.facts.found_edge(line, "source"), None)
        return Change(self.known.whole(line.label()), None)

    def obsolete(self, line: Line) -> Change:
        """``obsolete ID [with replacement ID]``."""
        label = self.known.whole(line.label())
        by = line.label() if line.accepts("with", "replacement") else ""
        return _status(label, deprecated=True, replaced_by=by)

    def unobsolete(self, line: Line) -> Change:
        """``unobsolete ID``."""
        label, by = self.known.whole(line.label()), line.named("replaced-by")
        return _status(label, deprecated=False, replaced_by=self.known.label(by[0]) if by else "")

    def add(self, line: Line) -> Change:
        """``add definition 'x' to ID``."""
        line.expects("definition")
        text = line.text()
        line.expects("to")
        label = self.known.whole(line.label())
        if label.definition:
            raise ValueError(f"{label.name!r} has a definition; write `change definition of ... to ...`")
        return _text(label.id, LabelField.DEFINITION, "", text)

    def remove(self, line: Line) -> Change:
        """``remove synonym 'x' for ID``, ``remove definition for ID``."""
        if line.expects("synonym", "definition") == "synonym":
            text = line.text()
            line.expects("for")
            return Change(self.facts.synonym(line.label(), text), None)
        line.expects("for")
        label = self.known.whole(line.label())
        return _text(label.id, LabelField.DEFINITION, label.definition, "")

    def change(self, line: Line) -> Change:
        """A definition, a synonym, the class or source of a label, or the kind of an edge."""
        what = line.expects("definition", "synonym", "annotation", "relationship")
        return {
            "definition": self._change_definition,
            "synonym": self._change_synonym,
            "annotation": self._change_annotation,
            "relationship": self._change_relationship,
        }[what](line)

    def move(self, line: Line) -> Change:
        """``move ID from PARENT to PARENT``."""
        child = line.label()
        line.expects("from")
        old = line.label()
        line.expects(*_TO)
        new, said, was = line.label(), line.named("edge"), line.source("was")
        kinds = [PREDICATES.get(said[0].value)] if said else list(RelationKind)
        found = [self.known.claim(Relation(child, k, old), was) for k in kinds if isinstance(k, RelationKind)]
        before = [relation for relation in found if isinstance(relation, Relation)]
        if len(before) != 1:
            raise ValueError(
                f"{len(before)} kinds of relation lead there; "
                + ("add `#: edge part_of` to choose one" if before else "name a parent that it has")
            )
        origin = line.provenance(self.default)
        return Change(before[0], Relation(child, before[0].kind, new, *origin.values()))

    def _change_definition(self, line: Line) -> Change:
        line.expects("of")
        label = self.known.whole(line.label())
        if line.accepts("from"):
            _same("definition", line.text(), label.definition)
        line.expects("to")
        return _text(label.id, LabelField.DEFINITION, label.definition, line.text())

    def _change_synonym(self, line: Line) -> Change:
        line.expects("from")
        old = line.text()
        line.expects("to")
        new = line.filled("the synonym")
        line.expects("for")
        before = self.facts.synonym(line.label(), old)
        return Change(before, LabelSynonym(before.label, self.facts.wording(line, new, before)))

    def _change_annotation(self, line: Line) -> Change:
        line.expects("of")
        label = self.known.whole(line.label())
        line.expects("with")
        fields = {name: kind for kind, name in ANNOTATIONS.items()}
        kind = fields[line.expects(*fields)]
        now = label.label_class.value if kind is LabelField.CLASS else label.source
        line.expects("from")
        _same(kind, line.text(), now)
        line.expects("to")
        new = line.text()
        return _text(label.id, kind, now, class_of(new).value if kind is LabelField.CLASS else new)

    def _change_relationship(self, line: Line) -> Change:
        line.expects("between")
        subject = line.label()
        line.expects("and")
        object_ = line.token("a label or term")
        line.expects("from")
        old = line.predicate()
        line.expects("to")
        new = line.predicate()
        before = self.facts.find_edge(subject, old, object_, line.source("was"))
        return Change(before, self.facts.made_edge(subject, new, object_, line, before))

    # ---- sentences of ours -----------------------------------------------------------------------------------------

    def own_create(self, line: Line) -> Change:
        """``lkg:create exclusive-group|label-set|statement ...``."""
        return Change(None, self.facts.phrase(line, line.expects("exclusive-group", "label-set", "statement"), None))

    def own_delete(self, line: Line) -> Change:
        """``lkg:delete exclusive-group|label-set|statement ...``."""
        return Change(self.facts.by_key(line, line.expects("exclusive-group", "label-set", "statement")), None)

    def own_change(self, line: Line) -> Change:
        """``lkg:change ... to ...``: any fact for another of its kind."""
        noun = line.expects("edge", "synonym", "label", "exclusive-group", "label-set", "statement", "ontology")
        before = self.facts.by_key(line, noun)
        line.expects("to")
        return Change(before, self.facts.phrase(line, noun, before))

    def begin(self, line: Line) -> None:
        """``lkg:begin 'merge' of ID, ID``: the lines up to ``lkg:end`` belong together."""
        if self.block is not None:
            raise ValueError("a block holds no other block; close it with lkg:end first")
        kind = line.filled("the kind")
        line.expects("of")
        ids = [] if line.follows("undone") else line.tokens()
        # A label may be made by the block itself, or be gone after it: an id is taken as it is.
        labels = tuple(map(self.known.reference, ids))
        self.block = _Block(kind, labels, line.accepts("undone"))

    def end(self, _line: Line) -> None:
        """``lkg:end``."""
        if self.block is None:
            raise ValueError("there is no block to close; begin it with lkg:begin")
        block, self.block = self.block, None
        self.done.append(Composite(block.kind, block.labels, tuple(block.parts), block.undone))

    def merge(self, line: Line) -> Composite:
        """``lkg:merge ID into ID``."""
        gone = line.label()
        line.expects("into")
        return composites.merge(self.known.ontology(), gone, line.label(), self.default.source)

    def split(self, line: Line) -> Composite:
        """``lkg:split ID into 'name', 'name' [without keeping]``."""
        label = line.label()
        line.expects("into")
        names = tuple(token.value for token in line.tokens())
        keep = not line.accepts("without", "keeping")
        return composites.split(self.known.ontology(), label, names, keep, self.default, self.used_ids)

    def deprecate(self, line: Line) -> Composite:
        """``lkg:deprecate ID [with replacement ID]``."""
        label = line.label()
        by = line.label() if line.accepts("with", "replacement") else ""
        return composites.deprecate(self.known.ontology(), label, by)

    def push_down(self, line: Line) -> Composite:
        """``lkg:push-down ID and ID except ID, ID and ID, ...``."""
        a = line.label()
        line.expects("and")
        b = line.label()
        line.expects("except")
        open_ = [self._open(line)]
        while line.accepts_comma():
            open_.append(self._open(line))
        return composites.push_down(self.known.ontology(), a, b, open_, self.default)

    def _open(self, line: Line) -> str | tuple[str, str]:
        """A label, or two joined by ``and``."""
        first = line.label()
        return (first, line.label()) if line.accepts("and") else first

    def remove_label(self, line: Line) -> Composite:
        """``lkg:remove-label ID``."""
        return composites.remove_label(self.known.ontology(), line.label())

    def new_version(self, line: Line) -> Change:
        """``lkg:new-version 'v' of label-set 'name' [with ID, ...] [without ID, ...]``."""
        version = line.filled("the version")
        line.expects("of")
        line.expects("label-set")
        name = line.text()
        added = line.labels() if line.accepts("with") else ()
        dropped = line.labels() if line.accepts("without") else ()
        return new_set_version(self.known.ontology(), name, version, added, dropped)


_SENTENCES: dict[str, Callable[[_Reader, Line], Change | Composite | None]] = {
    "rename": _Reader.rename,
    "create": _Reader.create,
    "delete": _Reader.delete,
    "obsolete": _Reader.obsolete,
    "unobsolete": _Reader.unobsolete,
    "add": _Reader.add,
    "remove": _Reader.remove,
    "change": _Reader.change,
    "move": _Reader.move,
    "deepen": _Reader.move,
    "shallow": _Reader.move,
    "lkg:create": _Reader.own_create,
    "lkg:delete": _Reader.own_delete,
    "lkg:change": _Reader.own_change,
    "lkg:merge": _Reader.merge,
    "lkg:split": _Reader.split,
    "lkg:deprecate": _Reader.deprecate,
    "lkg:push-down": _Reader.push_down,
    "lkg:remove-label": _Reader.remove_label,
    "lkg:new-version": _Reader.new_version,
    "lkg:begin": _Reader.begin,
    "lkg:end": _Reader.end,
}


def _text(label_id: str, kind: LabelField, before: str, after: str) -> Change:
    return Change(LabelText(label_id, kind, before), LabelText(label_id, kind, after))


def _status(label: Label, deprecated: bool, replaced_by: str) -> Change:
    before = LabelStatus(label.id, label.deprecated, label.replaced_by)
    return Change(before, replace(before, deprecated=deprecated, replaced_by=replaced_by))


def _same(what: str, said: str, found: str) -> None:
    if said != found:
        raise ValueError(f"the {what} is {found!r} now, not {said!r}; look at the newest revision")
