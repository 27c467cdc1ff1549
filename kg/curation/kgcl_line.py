"""One line of the change language, read from left to right, and the ontology that it speaks of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from kg.curation.change_set import Change
from kg.curation.draft import Draft, facts_of
from kg.curation.edits import Provenance
from kg.curation.facts import Fact, Key, LabelField, LabelText, key_of
from kg.curation.kgcl_words import PREDICATES, Predicate, Token, TokenKind, tokens
from kg.ontology import ExclusionException, ExclusivePair, Label, LabelClass, Ontology, Relation, SoftRelation

Claim = Relation | SoftRelation | ExclusivePair | ExclusionException
"""Facts of which several sources may have one each."""

_CLAUSES = {
    "source": 1, "author": 1, "created": 1, "evidence": 1, "was": 1, "edge": 1,
    "class": 1, "definition": 1, "deprecated": 0, "replaced-by": 1, "synonym": 3, "mapping": 4,
    "scope": 1, "label": 1, "justification": 1, "notice": 1,
}  # fmt: skip
"""The clauses that may follow ``#:``, with the number of their values."""


class Known:
    """The ontology as it is after the lines read so far; labels are found by id or preferred name."""

    def __init__(self, ontology: Ontology) -> None:
        self._draft = Draft(ontology)
        self._ids = {label.name: label.id for label in ontology.labels}
        self._sources: defaultdict[Key, set[str]] = defaultdict(set)
        for fact in facts_of(ontology):
            self._note(fact)

    def put(self, change: Change) -> None:
        """Make a change.

        Raises:
            ValueError: what it adds is there already.
        """
        before, after = change.before, change.after
        if before is not None:
            self._draft.remove(before)
            self._forget(before)
        if after is not None:
            there = self._draft.find(after)
            # A label's texts and status are always there, and are replaced in place.
            if there is not None and there != before:
                raise ValueError(f"adds {' '.join(key_of(after))}, which is there already; change that one instead")
            self._draft.add(after)
            self._note(after)

    def find(self, like: Fact) -> Fact | None:
        """The fact under the key of another."""
        return self._draft.find(like)

    def claim(self, like: Claim, source: str | None) -> Claim | None:
        """The relation or pair between the same labels; of the named source, or the only one.

        Raises:
            ValueError: several sources have one and none is named.
        """
        prefix = key_of(like)[:-1]
        known = sorted(self._sources[prefix])
        if source is None and len(known) > 1:
            raise ValueError(f"several sources say so ({', '.join(map(repr, known))}); add `#: source '...'`")
        if not known or (source is not None and source not in known):
            return None
        found = self._draft.find(replace(like, source=known[0] if source is None else source))
        assert isinstance(found, Claim)
        return found

    def label(self, token: Token) -> str:
        """Id of the label that a token names.

        Raises:
            ValueError: there is no such label.
        """
        by_name = self._ids.get(token.value) if token.kind is not TokenKind.ID else None
        by_id = token.value if self._draft.has_label(token.value) else None
        found = (by_name or by_id) if token.kind is TokenKind.TEXT else (by_id or by_name)
        if found is None:
            near = get_close_matches(token.value, self._ids, 1)
            hint = f"did you mean {near[0]!r}?" if near else "`lesionkg ontology show` lists them"
            raise ValueError(f"there is no label {token.value!r}; {hint}")
        return found

    def reference(self, token: Token) -> str:
        """Id of a label that need not be there (yet, or any more): an id as it is, a quoted name looked up."""
        return self.label(token) if token.kind is TokenKind.TEXT else token.value

    def whole(self, label_id: str) -> Label:
        """The label with an id."""
        found = self._draft.find(Label(label_id, "", LabelClass.TYPE))
        assert isinstance(found, Label)
        return found

    def ontology(self) -> Ontology:
        """The ontology as it is now."""
        return self._draft.finish()

    def _note(self, fact: Fact) -> None:
        match fact:
            case Label():
                self._ids[fact.name] = fact.id
            case LabelText() if fact.field is LabelField.NAME:
                self._ids[fact.text] = fact.label
            case Relation() | SoftRelation() | ExclusivePair() | ExclusionException():
                self._sources[key_of(fact)[:-1]].add(fact.source)
            case _:
                pass

    def _forget(self, fact: Fact) -> None:
        match fact:
            case Label():
                self._unname(fact.id, fact.name)
            case LabelText() if fact.field is LabelField.NAME:
                self._unname(fact.label, fact.text)
            case Relation() | SoftRelation() | ExclusivePair() | ExclusionException():
                self._sources[key_of(fact)[:-1]].discard(fact.source)
            case _:
                pass

    def _unname(self, label_id: str, name: str) -> None:
        if self._ids.get(name) == label_id:
            del self._ids[name]


class Line:
    """The tokens of one line; each method takes what it reads off the front.

    All methods raise ValueError when something else stands there.
    """

    def __init__(self, text: str, known: Known) -> None:
        found = tokens(text)
        marks = [i for i, token in enumerate(found) if token.kind is TokenKind.CLAUSES]
        self._left = found[: marks[0]] if marks else found
        self._clauses = _clauses(found[marks[0] + 1 :]) if marks else {}
        self._known = known

    @property
    def left(self) -> int:
        """How many tokens are left."""
        return len(self._left)

    def follows(self, *words: str) -> bool:
        """Whether these words come next."""
        ahead = [token.value if token.kind is TokenKind.WORD else "" for token in self._left[: len(words)]]
        return ahead == list(words)

    def accepts(self, *words: str) -> bool:
        """Take these words if they come next."""
        if not self.follows(*words):
            return False
        del self._left[: len(words)]
        return True

    def accepts_comma(self) -> bool:
        """Take a comma if it comes next."""
        if not self._left or self._left[0].kind is not TokenKind.COMMA:
            return False
        del self._left[0]
        return True

    def expects(self, *choices: str) -> str:
        """Take one of these words."""
        for word in choices:
            if self.accepts(word):
                return word
        raise ValueError(f"expects {' or '.join(map(repr, choices))} {self._here}; put it there")

    def word(self) -> str:
        """Take any word."""
        if not self._left or self._left[0].kind is not TokenKind.WORD:
            raise ValueError(f"expects a word {self._here}; write it without quotes")
        return self._left.pop(0).value

    def text(self) -> str:
        """Take a quoted text; a language tag behind it is left out."""
        if not self._left or self._left[0].kind is not TokenKind.TEXT:
            raise ValueError(f"expects a text in quotes {self._here}; write it as 'text'")
        value = self._left.pop(0).value
        following = self._left[:1]
        if following and following[0].kind is TokenKind.WORD and following[0].value.startswith("@"):
            del self._left[0]
        return value

    def filled(self, what: str) -> str:
        """Take a quoted text that is not blank."""
        value = self.text()
        if not value.strip():
            raise ValueError(f"{what} is blank; write it between the quotes")
        return value

    def token(self, what: str) -> Token:
        """Take an id, a word or a quoted name."""
        if not self._left or self._left[0].kind is TokenKind.COMMA:
            raise ValueError(f"expects {what} {self._here}; add it")
        return self._left.pop(0)

    def label(self) -> str:
        """Take a label; its id."""
        return self._known.label(self.token("a label"))

    def labels(self) -> tuple[str, ...]:
        """Take labels, separated by commas, to the end of the sentence; their ids."""
        return tuple(self._known.label(token) for token in self.tokens())

    def tokens(self) -> list[Token]:
        """Take ids or names, separated by commas; none when the sentence ends here."""
        found = [self.token("a label")] if self._left else []
        while self.accepts_comma():
            found.append(self.token("a label"))
        return found

    def predicate(self) -> Predicate:
        """Take a predicate."""
        word = self.word()
        if word not in PREDICATES:
            raise ValueError(f"{word!r} is no relation; use one of {', '.join(_plain_predicates())}")
        return PREDICATES[word]

    def named(self, name: str) -> tuple[Token, ...] | None:
        """Take a clause and give its values; None when it is not there."""
        found = self._clauses.get(name)
        return found.pop(0) if found else None

    def clause(self, name: str, default: str) -> str:
        """Take a clause of one text."""
        found = self.named(name)
        return default if found is None else found[0].value

    def source(self, name: str = "source") -> str | None:
        """Take the clause that tells which source's fact is meant; None when it is not there."""
        found = self.named(name)
        return None if found is None else found[0].value

    def provenance(self, default: Provenance) -> Provenance:
        """Take the clauses on where a fact comes from."""
        return Provenance(*(self.clause(name, getattr(default, name)) for name in Provenance.__slots__))

    def ends(self) -> None:
        """Check that nothing is left."""
        if self._left:
            raise ValueError(f"has too much {self._here}; take it out")
        unused = [name for name, values in self._clauses.items() if values]
        if unused:
            raise ValueError(f"clause {unused[0]!r} does not belong here, or stands there twice; take it out")

    @property
    def _here(self) -> str:
        return f"before {self._left[0].value!r}" if self._left else "at the end"


def _plain_predicates() -> Sequence[str]:
    return [word for word in PREDICATES if word.islower() and ":" not in word] + ["exactMatch", "broadMatch", "..."]


def _clauses(found: Sequence[Token]) -> dict[str, list[tuple[Token, ...]]]:
    clauses: dict[str, list[tuple[Token, ...]]] = {}
    place = 0
    while place < len(found):
        name = found[place].value
        if found[place].kind is not TokenKind.WORD or name not in _CLAUSES:
            raise ValueError(f"clause {name!r} is unknown; use one of {', '.join(_CLAUSES)}")
        values = tuple(found[place + 1 : place + 1 + _CLAUSES[name]])
        if len(values) < _CLAUSES[name] or any(v.kind in (TokenKind.COMMA, TokenKind.CLAUSES) for v in values):
            raise ValueError(f"clause {name!r} takes {_CLAUSES[name]} values; give them in quotes")
        clauses.setdefault(name, []).append(values)
        place += 1 + len(values)
    return clauses
