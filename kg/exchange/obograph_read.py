"""OBO Graphs JSON read back; :mod:`kg.exchange.obograph` says what is where.

Whatever the ontology model has no place for is refused by name rather than dropped: OWL files keep such statements.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

from kg import owl_vocabulary as v
from kg.errors import InputError
from kg.exchange import obograph as o
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    Ontology,
    Relation,
    RelationKind,
    SoftRelation,
    Synonym,
    TermMapping,
)

_Values: TypeAlias = dict[str, list[tuple[str, Mapping[str, Any]]]]
_Known = TypeVar("_Known")

_EMPTY = (
    "equivalentNodesSets", "logicalDefinitionAxioms", "domainRangeAxioms", "propertyChainAxioms", "disjointClassAxioms",
    "allDisjointClassesAxioms",
)  # fmt: skip
"""Parts of a graph that writers add though they are empty."""
_SCOPES = {name: scope for scope, name in o.SCOPES.items()}
_MATCHES = {iri: kind for kind, iri in o.MATCH.items()}
_SOFT = {iri: kind for kind, iri in o.SOFT.items()}
_ASSERTED = frozenset(o.PROVENANCE.values())


def parse(text: str, file: str) -> Ontology:
    """The ontology of a graph document; references are not followed.

    Args:
        text: the whole file.
        file: what to call it in an error.

    Raises:
        InputError: it is not JSON, not one graph of ours, or holds what an ontology has no place for.
    """
    try:
        return _ontology(json.loads(text))
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    except RecursionError as error:
        raise InputError(f"{file}: is nested too deeply; choose an OBO graph") from error
    except ValueError as error:
        raise InputError(f"{file}: is not JSON ({error}); choose an OBO graph") from error


def _ontology(document: Any) -> Ontology:
    graphs = _list(_object(document, "the document", ("graphs", "meta")), "graphs", "the document")
    if len(graphs) != 1:
        raise InputError(f"holds {len(graphs)} graphs; keep one")
    graph = _object(graphs[0], "the graph", ("id", "lbl", "meta", "nodes", "edges", *_EMPTY))
    for part in _EMPTY:
        if graph.get(part):
            raise InputError(f"{part} of the graph has no place in an ontology of labels; write it as OWL")
    meta = _meta(graph, "the graph", ("version", "basicPropertyValues"))
    header = _values(meta, "the graph", (o.NOTICE, o.KEPT))
    parts = ("id", "lbl", "type", "propertyType", "meta")
    nodes = [_object(n, "a node", parts) for n in _list(graph, "nodes", "the graph")]
    edges = [_object(e, "an edge", ("sub", "pred", "obj", "meta")) for e in _list(graph, "edges", "the graph")]
    relations, members, columns = _edges(edges)
    labels, groups, label_sets = [], [], []
    for node in nodes:
        iri = _text(node, "id", "a node")
        if node.get("type") == "PROPERTY":
            continue
        if iri.startswith(v.LABELS):
            labels.append(_label(node, iri))
        elif iri.startswith(v.GROUPS):
            found = _values(_meta(node, iri, ("basicPropertyValues",)), iri, (o.SOURCE,))
            groups.append(ExclusiveGroup(_id(iri, v.GROUPS), tuple(members.pop(iri, ())), _one(found, o.SOURCE, iri)))
        elif iri.startswith(v.LABEL_SETS):
            name, version = v.label_set_key(iri)
            _object(node.get("meta", {}), f"meta of {iri}", ("version",))  # the IRI tells it
            label_sets.append(LabelSet(name, _columns(columns.pop(iri, {}), iri), version))
        else:
            raise InputError(f"node {iri} is no label, group or label set; drop it, or write it as OWL")
    for iri in (*members, *columns):
        raise InputError(f"edges lead to {iri}, which is no node; add the node or drop them")
    return Ontology(
        name=_text(graph, "lbl", "the graph"),
        version=_text(meta, "version", "the graph"),
        notices=tuple(text for text, _ in header[o.NOTICE]),
        foreign=tuple(text for text, _ in header[o.KEPT]),
        labels=tuple(labels),
        exclusive_groups=tuple(groups),
        label_sets=tuple(label_sets),
        relations=tuple(r for r in relations if isinstance(r, Relation)),
        exclusive_pairs=tuple(r for r in relations if isinstance(r, ExclusivePair)),
        exceptions=tuple(r for r in relations if isinstance(r, ExclusionException)),
        soft_relations=tuple(r for r in relations if isinstance(r, SoftRelation)),
    )


def _label(node: Mapping[str, Any], iri: str) -> Label:
    meta = _meta(node, iri, ("definition", "synonyms", "deprecated", "basicPropertyValues"))
    values = _values(meta, iri, (o.CLASS, o.SOURCE, o.REPLACED_BY, *_MATCHES))
    definition = _object(meta.get("definition", {"val": ""}), f"the definition of {iri}", ("val",))
    replaced_by = _one(values, o.REPLACED_BY, iri)
    deprecated = meta.get("deprecated", False)
    if not isinstance(deprecated, bool):
        raise InputError(f"{iri}: deprecated is neither true nor false; write it so")
    return Label(
        id=_id(iri, v.LABELS),
        name=_text(node, "lbl", iri),
        label_class=_known(LabelClass, _one(values, o.CLASS, iri), f"class of {iri}"),
        synonyms=tuple(_synonym(one, iri) for one in _list(meta, "synonyms", iri)),
        definition=_text(definition, "val", f"the definition of {iri}"),
        mappings=tuple(_mapping(pred, *value) for pred in _MATCHES for value in values[pred]),
        deprecated=deprecated,
        replaced_by=_id(replaced_by, v.LABELS) if replaced_by else "",
        source=_one(values, o.SOURCE, iri),
    )


def _synonym(value: Any, iri: str) -> Synonym:
    what = f"a synonym of {iri}"
    found = _object(value, what, ("pred", "val", "xrefs"))
    xrefs = _list(found, "xrefs", what)
    if len(xrefs) > 1 or not all(isinstance(one, str) for one in xrefs):
        raise InputError(f"{what} has {len(xrefs)} xrefs; keep one text, its source")
    scope = _known(_SCOPES.__getitem__, _text(found, "pred", what), f"scope of {what}")
    return Synonym(_text(found, "val", what), scope, xrefs[0] if xrefs else "")


def _mapping(pred: str, value: str, entry: Mapping[str, Any]) -> TermMapping:
    object_id = v.term_id(value)
    if object_id is None:
        raise InputError(f"{value} is no term of ours or of RadLex; map to {v.RADLEX}RID...")
    about = _values(_meta(entry, value, ("basicPropertyValues",)), value, (o.OBJECT_LABEL, o.JUSTIFICATION))
    label, why = _one(about, o.OBJECT_LABEL, value), _one(about, o.JUSTIFICATION, value)
    return TermMapping(object_id, label, _MATCHES[pred], why)


_Relation: TypeAlias = Relation | ExclusivePair | ExclusionException | SoftRelation


def _edges(
    edges: Iterable[Mapping[str, Any]],
) -> tuple[list[_Relation], dict[str, list[str]], dict[str, dict[int, str]]]:
    """Relations, members by IRI of their group, and labels by position by IRI of their label set."""
    relations: list[_Relation] = []
    members: defaultdict[str, list[str]] = defaultdict(list)
    columns: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for edge in edges:
        sub, pred, obj = (_text(edge, part, "an edge") for part in ("sub", "pred", "obj"))
        what = f"edge {sub} {pred} {obj}"
        own = {o.IS_A: (o.KIND,), o.IN_LABEL_SET: (o.POSITION,)}.get(pred, ())
        given = () if pred in (o.MEMBER_OF_GROUP, o.IN_LABEL_SET) else tuple(_ASSERTED)
        values = _values(_meta(edge, what, ("basicPropertyValues",)), what, (*own, *given))
        start = _id(sub, v.LABELS)
        if pred == o.MEMBER_OF_GROUP:
            members[obj].append(start)
        elif pred == o.IN_LABEL_SET:
            position = _one(values, o.POSITION, what)
            if not (position.isascii() and position.isdecimal()) or int(position) in columns[obj]:
                raise InputError(f"{what}: position {position!r} is no whole number or taken; number them anew")
            columns[obj][int(position)] = start
        else:
            end = _id(obj, v.LABELS)
            provenance = {name: _one(values, iri, what) for name, iri in o.PROVENANCE.items()}
            if pred == o.IS_A:
                kind = _known(RelationKind, _one(values, o.KIND, what) or RelationKind.IS_A, f"kind of {what}")
                relations.append(Relation(start, kind, end, **provenance))
            elif pred == o.EXCLUSIVE_WITH:
                relations.append(ExclusivePair(start, end, **provenance))
            elif pred == o.COMPATIBLE_WITH:
                relations.append(ExclusionException(start, end, **provenance))
            elif pred in _SOFT:
                relations.append(SoftRelation(start, _SOFT[pred], end, **provenance))
            else:
                raise InputError(f"{what}: the predicate is unknown; use is_a, or one of the file's own properties")
    return relations, members, columns


def _columns(place: Mapping[int, str], iri: str) -> tuple[str, ...]:
    if set(place) != set(range(len(place))):
        raise InputError(f"label set {iri} has a gap between its positions; number them anew from 0")
    return tuple(place[position] for position in range(len(place)))


def _object(value: Any, what: str, keys: Iterable[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{what} is no JSON object; choose an OBO graph")
    unknown = sorted(key for key in value.keys() - set(keys) if value[key] not in (None, [], {}))
    if unknown:
        raise InputError(f"{what} has {unknown[0]!r}, which has no place in an ontology of labels; drop it")
    return value


def _meta(value: Mapping[str, Any], what: str, keys: Iterable[str]) -> Mapping[str, Any]:
    return _object(value.get("meta", {}), f"meta of {what}", keys)


def _list(value: Mapping[str, Any], key: str, what: str) -> list[Any]:
    found = value.get(key, [])
    if not isinstance(found, list):
        raise InputError(f"{key} of {what} is no list; choose an OBO graph")
    return found


def _text(value: Mapping[str, Any], key: str, what: str) -> str:
    found = value.get(key)
    if not isinstance(found, str):
        raise InputError(f"{key} of {what} is missing or no text; write it")
    return found


def _values(meta: Mapping[str, Any], what: str, known: Iterable[str]) -> _Values:
    """Property values with their entries, by predicate."""
    found: _Values = {pred: [] for pred in known}
    for value in _list(meta, "basicPropertyValues", what):
        entry = _object(value, f"a property of {what}", ("pred", "val", "meta", "xrefs"))
        pred, text = _text(entry, "pred", what), _text(entry, "val", what)
        if pred not in found:
            raise InputError(f"property {pred} of {what} has no place in an ontology of labels; drop it")
        found[pred].append((text, entry))
    return found


def _one(values: _Values, pred: str, what: str) -> str:
    found = [text for text, _ in values[pred]]
    if len(found) > 1:
        raise InputError(f"property {pred} of {what} is there {len(found)} times; keep one")
    return found[0] if found else ""


def _id(iri: str, base: str) -> str:
    if not iri.startswith(base):
        raise InputError(f"{iri} is none of {base}...; choose a label or group of the file")
    return v.decode_id(iri.removeprefix(base))


def _known(make: Callable[[str], _Known], text: str, what: str) -> _Known:
    try:
        return make(text)
    except (ValueError, KeyError) as error:
        raise InputError(f"{what} is {text!r}, which is unknown; write it as in an export") from error
