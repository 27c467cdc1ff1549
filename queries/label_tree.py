"""The labels as a tree to walk and to search, of the whole ontology or of a part of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from kg.names import folded
from kg.ontology import Label, LabelClass, Ontology


@dataclass(frozen=True, slots=True)
class Branch:
    """One label in the tree.

    Attributes:
        id: of the label.
        name: its preferred name.
        label_class: its class.
        children: labels directly below it in this tree.
        deprecated: whether it is out of use.
        replacement: name of the label that replaces it; empty for none.
    """

    id: str
    name: str
    label_class: LabelClass
    children: int
    deprecated: bool
    replacement: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A label that a search found.

    Attributes:
        branch: the label.
        because: the synonym or code that fits; empty where its name does.
    """

    branch: Branch
    because: str


class LabelTree:
    """Labels under their parents; one with several parents stands under each of them.

    A label whose parents are outside of the part stands under its nearest ancestors inside, or at the top.

    Args:
        ontology: whose labels.
        label_set: only members of this label set; all when empty.
        label_class: only labels of this class; all when None.

    Raises:
        UsageError: no such label set.
    """

    def __init__(self, ontology: Ontology, label_set: str = "", label_class: LabelClass | None = None) -> None:
        members = set(ontology.label_set(label_set).members) if label_set else ontology.by_id.keys()
        self._ontology = ontology
        self._labels = {
            label.id: label
            for label in ontology.labels
            if label.id in members and label_class in (None, label.label_class)
        }

    def __len__(self) -> int:
        return len(self._labels)

    def __contains__(self, label_id: object) -> bool:
        return label_id in self._labels

    def top(self, label_class: LabelClass) -> tuple[Branch, ...]:
        """Labels of a class without a parent in this tree, by name."""
        return self._branches(i for i, k in self._labels.items() if not self._up[i] and k.label_class is label_class)

    def children(self, label_id: str) -> tuple[Branch, ...]:
        """Labels directly below one, by name."""
        return self._branches(self._down.get(label_id, ()))

    def path_to(self, label_id: str) -> tuple[str, ...]:
        """Ids from a label at the top down to this one, by its first parents; empty for a label outside."""
        if label_id not in self._labels:
            return ()
        path = [label_id]
        while above := [i for i in self._up[path[0]] if i not in path]:
            path.insert(0, above[0])
        return tuple(path)

    def search(self, words: str, most: int = 100) -> tuple[Hit, ...]:
        """Labels of which a name, synonym, id or code has all these words, the best fits first.

        Args:
            words: parts of words, in any case; nothing finds nothing.
            most: at most so many.
        """
        wanted = folded(words)
        if not wanted:
            return ()
        found = []
        for label in self._labels.values():
            fit = _fit(label, wanted)
            if fit is not None:
                found.append((fit[0], label.deprecated, folded(label.name), label.id, fit[1]))
        return tuple(Hit(self._branch(label_id), because) for *_, label_id, because in sorted(found)[:most])

    @cached_property
    def _up(self) -> Mapping[str, tuple[str, ...]]:
        """Nearest ancestors inside the tree, by name."""
        parents: dict[str, set[str]] = defaultdict(set)
        for child, parent in self._ontology.parent_pairs:
            parents[child].add(parent)

        def nearest(label_id: str) -> set[str]:
            found: set[str] = set()
            seen, waiting = {label_id}, [label_id]
            while waiting:
                for parent in parents[waiting.pop()] - seen:
                    seen.add(parent)
                    if parent in self._labels:
                        found.add(parent)
                    else:
                        waiting.append(parent)
            return found

        return {i: tuple(sorted(nearest(i), key=self._name)) for i in self._labels}

    @cached_property
    def _down(self) -> Mapping[str, tuple[str, ...]]:
        below: dict[str, list[str]] = defaultdict(list)
        for label_id, above in self._up.items():
            for parent in above:
                below[parent].append(label_id)
        return {parent: tuple(sorted(children, key=self._name)) for parent, children in below.items()}

    def _name(self, label_id: str) -> tuple[str, str]:
        return folded(self._labels[label_id].name), label_id

    def _branches(self, ids: Iterator[str] | tuple[str, ...]) -> tuple[Branch, ...]:
        return tuple(self._branch(i) for i in sorted(ids, key=self._name))

    def _branch(self, label_id: str) -> Branch:
        label = self._labels[label_id]
        replacement = self._ontology.by_id.get(label.replaced_by)
        return Branch(
            label_id,
            label.name,
            label.label_class,
            len(self._down.get(label_id, ())),
            label.deprecated,
            replacement.name if replacement else "",
        )


def _fit(label: Label, wanted: str) -> tuple[int, str] | None:
    """How well a label fits, best 0, and by what if not by its name; None when it does not."""
    name = folded(label.name)
    if wanted in (name, folded(label.id)):
        return 0, ""
    if name.startswith(wanted):
        return 1, ""
    words = wanted.split()
    if all(word in name for word in words):
        return 2, ""
    others = [
        *(synonym.text for synonym in label.synonyms),
        label.id,
        *(f"{mapping.object_id} {mapping.object_label}" for mapping in label.mappings),
    ]
    for text in others:
        if all(word in folded(text) for word in words):
            return 3, text
    return None
