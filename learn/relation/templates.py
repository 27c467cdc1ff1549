"""The templates, phrases and cues of the grammar, read from ``grammar.yaml``, which documents the notation."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

import yaml

from ingest.mining.mention import Relevance

_PART = re.compile(r"\{(?P<slot>[^}]+)\}|<(?P<cue>[^>]+)>|\[(?P<choice>[^\]]*)\]|(?P<text>[^{<\[]+)")
_SLOT = re.compile(r"(?P<owner>[A-C]+\??|-|)(?:\.(?P<what>part|type|attrs|np)|(?P<mark>@))")


class Use(StrEnum):
    """What a family of templates serves for."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Words:
    """Literal words."""

    text: str


@dataclass(frozen=True, slots=True)
class Draw:
    """A phrase drawn from a list of ``cues`` or ``words``."""

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several literal phrases."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """Labels, or a bookmark.

    Attributes:
        lesions: letters of the lesions it speaks of; empty when of none that has a bookmark.
        what: ``part``, ``type``, ``attrs``, ``np``, or ``@`` for the bookmark.
        uncertain: whether the labels are uncertain for these lesions.
    """

    lesions: str
    what: str
    uncertain: bool = False


Part = Words | Draw | Choice | Slot
Template = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Templates of one structure, used together or held out together.

    Attributes:
        name: of the family.
        use: what it serves for.
        weight: how often it is drawn, relative to the others of its use.
        alone: what a label about no bookmark is in a sentence without bookmarks; None where such a sentence makes no
            sense.
        templates: at least one.
    """

    name: str
    use: Use
    weight: float
    alone: Relevance | None
    templates: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Cues:
    """Cue phrases of one meaning; some never occur in training."""

    seen: tuple[str, ...]
    held_out: tuple[str, ...]


@dataclass(frozen=True)
class Templates:
    """All that ``grammar.yaml`` says.

    Attributes:
        cues: by name.
        words: lists of phrases that carry no relevance, by name.
        phrases: noun phrases; their slots speak of the lesion that the phrase speaks of.
        families: in the order of the file.
        id: hash of the file.
    """

    cues: dict[str, Cues]
    words: dict[str, tuple[str, ...]]
    phrases: tuple[Template, ...]
    families: tuple[Family, ...]
    id: str

    def of_use(self, use: Use) -> tuple[Family, ...]:
        """Families that serve for ``use``."""
        return tuple(family for family in self.families if family.use == use)


@cache
def shipped_templates() -> Templates:
    """The grammar that ships."""
    text = resources.files("learn.relation").joinpath("grammar.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return Templates(
        cues={name: Cues(tuple(c["seen"]), tuple(c["held_out"])) for name, c in content["cues"].items()},
        words={name: tuple(phrases) for name, phrases in content["words"].items()},
        phrases=tuple(parse_template(text) for text in content["phrases"]["np"]),
        families=tuple(
            Family(
                name=family["name"],
                use=Use(family["use"]),
                weight=float(family["weight"]),
                alone=Relevance(family["alone"]) if "alone" in family else None,
                templates=tuple(parse_template(text) for text in family["templates"]),
            )
            for family in content["families"]
        ),
        id=hashlib.sha256(text.encode()).hexdigest(),
    )


def parse_template(text: str) -> Template:
    """Read one template."""
    return tuple(_part(match) for match in _PART.finditer(text))


def _part(match: re.Match[str]) -> Part:
    if slot := match["slot"]:
        found = _SLOT.fullmatch(slot)
        assert found, slot
        owner = found["owner"]
        return Slot(owner.strip("-?"), found["what"] or found["mark"], owner.endswith("?"))
    if cue := match["cue"]:
        return Draw(cue)
    if match["choice"] is not None:
        return Choice(tuple(match["choice"].split("|")))
    return Words(match["text"])
