"""Facts as lines of the change language describe them."""

from __future__ import annotations

from collections.abc import Iterable

from kg.curation.edits import UNKNOWN, Provenance, new_label_id
from kg.curation.facts import Fact, Foreign, Header, LabelMapping, LabelSynonym
from kg.curation.kgcl import Edge
from kg.curation.kgcl_line import Claim, Known, Line
from kg.curation.kgcl_words import PREDICATES, PairKind, Predicate, Token, TokenKind, read_term
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    MatchKind,
    Relation,
    RelationKind,
    SoftKind,
    SoftRelation,
    Synonym,
    SynonymScope,
    TermMapping,
)


class Facts:
    """Reads facts off a line: those that the ontology has, and those that the line makes.

    All methods raise ValueError when the line does not describe one, or the ontology has none such.
    """

    def __init__(self, known: Known, default: Provenance, used_ids: Iterable[str]) -> None:
        self._known, self._default, self._used_ids = known, default, frozenset(used_ids)

    def edge(self, line: Line, before: Edge | None = None) -> Edge:
        """The edge that ``S P O`` and the clauses describe; ``before`` is what it replaces."""
        subject, predicate = line.label(), line.predicate()
        return self.made_edge(subject, predicate, line.token("a label or term"), line, before)

    def made_edge(self, subject: str, predicate: Predicate, object_: Token, line: Line, before: Edge | None) -> Edge:
        """The edge that a line describes, with its clauses."""
        if isinstance(predicate, MatchKind):
            term = read_term(object_)
            same = isinstance(before, LabelMapping) and before.mapping.object_id == term
            name = before.mapping.object_label if same and isinstance(before, LabelMapping) else ""
            texts = line.clause("label", name), predicate, line.clause("justification", "")
            return LabelMapping(subject, TermMapping(term, *texts))
        return claim_between(subject, predicate, self._known.label(object_), line.provenance(self._default))

    def found_edge(self, line: Line, clause: str) -> Edge:
        """The edge of the ontology that ``S P O`` means; the clause of this name has its source."""
        subject, predicate = line.label(), line.predicate()
        return self.find_edge(subject, predicate, line.token("a label or term"), line.source(clause))

    def find_edge(self, subject: str, predicate: Predicate, object_: Token, source: str | None) -> Edge:
        """The edge of the ontology that a line means."""
        if isinstance(predicate, MatchKind):
            mapping = self._known.find(LabelMapping(subject, TermMapping(read_term(object_), "", predicate)))
            if isinstance(mapping, LabelMapping) and mapping.mapping.predicate is predicate:
                return mapping
        else:
            like = claim_between(subject, predicate, self._known.label(object_), UNKNOWN)
            found = self._known.claim(like, source)
            if found is not None:
                return found
        where = f" of source {source!r}" if source is not None else ""
        name = self._known.whole(subject).name
        raise ValueError(f"{name!r} has no such relation{where}; `lesionkg ontology show` lists what it has")

    def synonym(self, label_id: str, text: str) -> LabelSynonym:
        """The synonym that a label has."""
        found = self._known.find(LabelSynonym(label_id, Synonym(text)))
        if not isinstance(found, LabelSynonym):
            raise ValueError(f"{self._known.whole(label_id).name!r} has no synonym {text!r}; name one that it has")
        return found

    def wording(self, line: Line, text: str, before: LabelSynonym) -> Synonym:
        """A synonym in place of another: its scope is the same unless a clause says otherwise."""
        scope = line.clause("scope", before.synonym.scope)
        return Synonym(text, scope_of(scope), line.clause("source", self._default.source))

    def label(self, line: Line) -> Label:
        """``[ID] 'name'`` with the clauses of a label."""
        first = line.token("an id or a name")
        if first.kind is TokenKind.TEXT and not line.left:
            label_id, name = new_label_id(self._known.ontology(), self._used_ids), first.value
        else:
            label_id, name = first.value, line.text()
        if not name.strip() or not label_id:
            raise ValueError("the label has a blank id or name; write both")
        said = line.named("class")
        if said is None:
            raise ValueError("the class of the label is missing; add `#: class 'type'` (or 'bodypart', 'attribute')")
        by = line.named("replaced-by")
        synonyms, mappings = [], []
        while (values := line.named("synonym")) is not None:
            scope, text, source = (value.value for value in values)
            synonyms.append(Synonym(text, scope_of(scope), source))
        while (values := line.named("mapping")) is not None:
            predicate, term, name_, why = values
            mappings.append(TermMapping(read_term(term), name_.value, match_of(predicate.value), why.value))
        return Label(
            label_id,
            name,
            class_of(said[0].value),
            tuple(synonyms),
            line.clause("definition", ""),
            tuple(mappings),
            line.named("deprecated") is not None,
            self._known.reference(by[0]) if by else "",
            line.clause("source", self._default.source),
        )

    def by_key(self, line: Line, noun: str) -> Fact:
        """The fact of the ontology that a noun and its key name."""
        like: Fact
        match noun:
            case "edge":
                return self.found_edge(line, "was")
            case "synonym":
                text = line.text()
                line.expects("of")
                return self.synonym(line.label(), text)
            case "label":
                return self._known.whole(line.label())
            case "exclusive-group":
                like = ExclusiveGroup(line.text(), ())
            case "label-set":
                like = LabelSet(line.text(), ())
            case "statement":
                like = Foreign(line.text())
            case _:
                like = Header("", "")
        found = self._known.find(like)
        if found is None:
            raise ValueError(f"there is no such {noun}; name one that the ontology has")
        return found

    def phrase(self, line: Line, noun: str, before: Fact | None) -> Fact:
        """The fact that a noun and what follows describe."""
        match noun:
            case "edge":
                return self.edge(line, before if isinstance(before, LabelMapping) else None)
            case "synonym":
                text = line.filled("the synonym")
                line.expects("of")
                assert isinstance(before, LabelSynonym)
                return LabelSynonym(line.label(), self.wording(line, text, before))
            case "label":
                return self.label(line)
            case "statement":
                return Foreign(line.text())
        name = line.text()
        if noun == "exclusive-group":
            line.expects("of")
            return ExclusiveGroup(name, line.labels(), line.clause("source", self._default.source))
        line.expects("version")
        version = line.text()
        if noun == "label-set":
            line.expects("of")
            return LabelSet(name, line.labels(), version)
        notices = []
        while (values := line.named("notice")) is not None:
            notices.append(values[0].value)
        return Header(name, version, tuple(notices))


def claim_between(
    subject: str, predicate: RelationKind | SoftKind | PairKind, object_: str, origin: Provenance
) -> Claim:
    """The relation or pair between two labels."""
    match predicate:
        case RelationKind():
            return Relation(subject, predicate, object_, *origin.values())
        case SoftKind():
            return SoftRelation(subject, predicate, object_, *origin.values())
        case PairKind.EXCLUSIVE:
            return ExclusivePair(subject, object_, *origin.values())
        case PairKind.COMPATIBLE:
            return ExclusionException(subject, object_, *origin.values())


def class_of(text: str) -> LabelClass:
    """The class of labels of this name."""
    if text not in set(LabelClass):
        raise ValueError(f"{text!r} is no class of labels; use one of {', '.join(LabelClass)}")
    return LabelClass(text)


def scope_of(text: str) -> SynonymScope:
    """The scope of synonyms of this name."""
    if text not in set(SynonymScope):
        raise ValueError(f"{text!r} is no scope of synonyms; use one of {', '.join(SynonymScope)}")
    return SynonymScope(text)


def match_of(text: str) -> MatchKind:
    """The kind of mapping of this name."""
    found = PREDICATES.get(text)
    if not isinstance(found, MatchKind):
        raise ValueError(f"{text!r} is no kind of mapping; use one of {', '.join(MatchKind)}")
    return found
