"""Changes in words, one line each."""

from __future__ import annotations

from collections.abc import Mapping

from kg.curation.change_set import Change, Composite
from kg.curation.facts import (
    Fact,
    Foreign,
    Header,
    LabelField,
    LabelMapping,
    LabelStatus,
    LabelSynonym,
    LabelText,
)
from kg.curation.kgcl_words import escaped, quoted
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelSet,
    Relation,
    SoftRelation,
    Synonym,
    TermMapping,
)

_VERBS = {"add": "add", "remove": "remove", "edit": "change"}
_LONGEST = 100


def describe(change: Change | Composite, names: Mapping[str, str]) -> str:
    """What a change does, on one line, e.g. ``add relation: 'nodule' located in 'lung'``.

    Args:
        change: the change.
        names: preferred names by label id; a label that is not among them appears by its id.
    """
    if isinstance(change, Composite):
        return _composite(change, names)
    before, after = change.before, change.after
    match before, after:
        case LabelText(), LabelText():
            return _text(before, after, names)
        case LabelStatus(), LabelStatus():
            return _status(after, names)
        case _:
            pass
    head = f"{_VERBS[change.verb]} {_noun(change.fact)}: "
    if before is None or after is None:
        return head + _phrase(change.fact, names) + _source(change.fact)
    if isinstance(before, LabelSet | ExclusiveGroup) and isinstance(after, LabelSet | ExclusiveGroup):
        return head + _members(before, after, names)
    old, new = _phrase(before, names), _phrase(after, names)
    if old == new:
        return f"{head}{new}, {_differences(before, after)}"
    return f"{head}{old} becomes {new}{_source(after)}"


def name_in(names: Mapping[str, str], label_id: str) -> str:
    """A label by its quoted name, or by its id when it has none."""
    return quoted(names[label_id]) if label_id in names else escaped(label_id)


def _composite(change: Composite, names: Mapping[str, str]) -> str:
    made = {part.fact.id: part.fact.name for part in change.parts if isinstance(part.fact, Label)}
    names = {**made, **names}
    first, *others = [name_in(names, label_id) for label_id in change.labels] or ["nothing"]
    rest = ", ".join(others)
    match change.kind:
        case "merge":
            what = f"merge {first} into {rest}"
        case "split":
            what = f"split {first} into {rest}"
        case "deprecate":
            what = f"deprecate {first}" + (f", replaced by {rest}" if rest else "")
        case "push-down":
            what = f"push the exclusion of {first} and {others[0]} down" if others else f"push down {first}"
            what += f", except for {', '.join(others[1:])}" if others[1:] else ""
        case _:
            what = f"{escaped(change.kind.replace('-', ' '))} {first}" + (f" with {rest}" if rest else "")
    number = len(change.parts)
    return f"{'take back: ' if change.undone else ''}{what} ({number} change{'' if number == 1 else 's'})"


def _text(before: LabelText, after: LabelText, names: Mapping[str, str]) -> str:
    if after.field is LabelField.NAME:
        return f"rename {quoted(before.text)} to {quoted(after.text)}"
    label = name_in(names, after.label)
    if after.field is LabelField.DEFINITION:
        if not after.text:
            return f"remove the definition of {label}"
        return f"{'redefine' if before.text else 'define'} {label}: {_short(after.text)}"
    return f"change the {after.field} of {label} from {_short(before.text)} to {_short(after.text)}"


def _status(after: LabelStatus, names: Mapping[str, str]) -> str:
    label = name_in(names, after.label)
    if not after.deprecated:
        return f"use {label} again"
    replaced = f", replaced by {name_in(names, after.replaced_by)}" if after.replaced_by else ""
    return f"deprecate {label}{replaced}"


def _members(before: LabelSet | ExclusiveGroup, after: LabelSet | ExclusiveGroup, names: Mapping[str, str]) -> str:
    """A label set or group and what it gains and loses."""
    gained = [name_in(names, m) for m in after.members if m not in before.members]
    lost = [name_in(names, m) for m in before.members if m not in after.members]
    same = not gained and not lost and before.members != after.members
    found = [
        *(f"{name} becomes {quoted(new)}" for name, old, new in _heads(before, after) if old != new),
        *([f"gains {', '.join(gained)}"] if gained else []),
        *([f"loses {', '.join(lost)}"] if lost else []),
        *(["its labels in another order"] if same else []),
    ]
    key = before.id if isinstance(before, ExclusiveGroup) else before.name
    return f"{quoted(key)}, {'; '.join(found) or 'nothing differs'}"


def _heads(before: LabelSet | ExclusiveGroup, after: LabelSet | ExclusiveGroup) -> tuple[tuple[str, str, str], ...]:
    if isinstance(before, LabelSet) and isinstance(after, LabelSet):
        return ("name", before.name, after.name), ("version", before.version, after.version)
    assert isinstance(before, ExclusiveGroup) and isinstance(after, ExclusiveGroup)
    return ("id", before.id, after.id), ("source", before.source, after.source)


def _noun(fact: Fact) -> str:
    match fact:
        case Label():
            return "label"
        case LabelSynonym():
            return f"{fact.synonym.scope} synonym"
        case LabelMapping():
            return "mapping"
        case Relation():
            return "relation"
        case ExclusivePair():
            return "exclusive pair"
        case ExclusiveGroup():
            return "exclusive group"
        case ExclusionException():
            return "exception to exclusion"
        case SoftRelation():
            return "soft relation"
        case LabelSet():
            return "label set"
        case Foreign():
            return "foreign OWL statement"
        case Header():
            return "ontology"
        case LabelText() | LabelStatus():
            return "label"


def _phrase(fact: Fact, names: Mapping[str, str]) -> str:
    match fact:
        case Label():
            return f"{quoted(fact.name)} ({fact.label_class}, {escaped(fact.id)})"
        case LabelText() | LabelStatus():
            return name_in(names, fact.label)
        case LabelSynonym():
            return f"{quoted(fact.synonym.text)} of {name_in(names, fact.label)}"
        case LabelMapping():
            term = f"{escaped(fact.mapping.object_id)} {quoted(fact.mapping.object_label)}"
            return f"{name_in(names, fact.label)} {_words(fact.mapping.predicate.removeprefix('skos:'))} {term}"
        case Relation():
            return f"{name_in(names, fact.child)} {_words(fact.kind)} {name_in(names, fact.parent)}"
        case ExclusivePair():
            return f"{name_in(names, fact.a)} never with {name_in(names, fact.b)}"
        case ExclusionException():
            return f"{name_in(names, fact.a)} may meet {name_in(names, fact.b)}"
        case SoftRelation():
            return f"{name_in(names, fact.subject)} {_words(fact.kind)} {name_in(names, fact.object)}"
        case ExclusiveGroup():
            return f"{quoted(fact.id)} of {', '.join(name_in(names, m) for m in fact.members)}"
        case LabelSet():
            return f"{quoted(fact.name)} version {quoted(fact.version)} of {len(fact.members)} labels"
        case Foreign():
            return _short(fact.statement)
        case Header():
            return f"{quoted(fact.name)} version {quoted(fact.version)}"


def _words(name: str) -> str:
    """``LOCATED_IN`` as ``located in``, ``exactMatch`` as ``exact match``."""
    apart = "".join(f" {c}" if c.isupper() else c for c in name) if not name.isupper() and "_" not in name else name
    return apart.replace("_", " ").lower()


def _source(fact: Fact) -> str:
    source = fact.synonym.source if isinstance(fact, LabelSynonym) else getattr(fact, "source", "")
    return f" (source {escaped(source)})" if source else ""


def _differences(before: Fact, after: Fact) -> str:
    """What differs between two facts that read alike."""
    old, new = _parts(before), _parts(after)
    found = [
        f"{name} {_short(str(old[name]))} becomes {_short(str(new[name]))}" for name in old if old[name] != new[name]
    ]
    return "; ".join(found) or "nothing differs"


def _parts(fact: Fact) -> dict[str, object]:
    inner: Fact | Synonym | TermMapping = fact
    if isinstance(fact, LabelSynonym | LabelMapping):
        inner = fact.synonym if isinstance(fact, LabelSynonym) else fact.mapping
    values = {name: getattr(inner, name) for name in inner.__dataclass_fields__}
    return {name.replace("_", " "): ", ".join(map(str, v)) if isinstance(v, tuple) else v for name, v in values.items()}


def _short(text: str) -> str:
    return quoted(text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "...")
