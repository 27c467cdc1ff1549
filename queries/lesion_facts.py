"""What is known of one lesion, as plain values: what :func:`queries.lesion_view.lesion_view` gives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a model's decision on a label stands to the labels of the lesion."""

    TRUE_POSITIVE = "true positive"
    """Decided, and the lesion has it, or a label that implies it."""
    FALSE_POSITIVE = "false positive"
    """Decided, and reliably not there: exclusive with a label of the lesion, or taken away by a curator."""
    FALSE_NEGATIVE = "false negative"
    """Not decided, and the lesion has it, or a label that implies it."""
    TRUE_NEGATIVE = "true negative"
    """Not decided, and reliably not there."""
    UNKNOWN = "unknown"
    """Nothing says whether the lesion has it: what no report mentions may be there all the same."""


@dataclass(frozen=True, slots=True)
class LabelRef:
    """A label.

    Attributes:
        id, name: its id and preferred name.
        kind: its class: ``bodypart``, ``type`` or ``attribute``.
    """

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the lesion is, and how large; None where nobody measured it.

    Attributes:
        key_slice: number of the slice that it was marked on.
        slice_range: first and last slice that was published with it.
        box: x1, y1, x2, y2 in 0-based pixels of that slice.
        diameters: x and y of the four ends of the RECIST diameters, in the same pixels: long one first.
        long_mm, short_mm, long_px, short_px: the diameters in millimetres, and in pixels.
        spacing_mm, slice_mm: of a pixel, and from one slice to the next.
        image_size: columns and rows of the slice.
        window: lower and upper end of the window it was marked in, Hounsfield units.
        position: of its centre in the body, x, y, z between 0 and 1: from the right, from the front, from the head.
        noisy: the data set says that its own marks are doubtful.
    """

    key_slice: int | None = None
    slice_range: tuple[int, int] | None = None
    box: tuple[float, ...] | None = None
    diameters: tuple[float, ...] | None = None
    long_mm: float | None = None
    short_mm: float | None = None
    long_px: float | None = None
    short_px: float | None = None
    spacing_mm: float | None = None
    slice_mm: float | None = None
    image_size: tuple[int, int] | None = None
    window: tuple[float, float] | None = None
    position: tuple[float, float, float] | None = None
    noisy: bool | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A label as one source says it.

    Attributes:
        label: what is said.
        source: who says it: ``lesanet``, ``mining``, ``curator``, ...
        verified: somebody checked it.
        author, created, reason: of a curator's statement; else empty.
        superseded: a curator's statement stands in its place.
    """

    label: LabelRef
    source: str
    verified: bool = False
    author: str = ""
    created: str = ""
    reason: str = ""
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class Inferred:
    """A label that the lesion has because of another.

    Attributes:
        label: what follows.
        chain: names from the label that is said of the lesion up to this one.
        kinds: the kind of each relation on the way, one less than the names.
    """

    label: LabelRef
    chain: tuple[str, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clash:
    """Two labels said of the lesion that exclude each other.

    Attributes:
        first, second: the labels.
        listed: the pair that the ontology lists, names of the labels themselves or of ancestors.
    """

    first: LabelRef
    second: LabelRef
    listed: tuple[str, str]


@dataclass(frozen=True, slots=True)
class CohortPlace:
    """The lesion in one cohort, with its label lists as released or frozen: names, order and duplicates kept."""

    cohort: str
    name: str
    split: str
    relevant: tuple[str, ...]
    uncertain: tuple[str, ...]
    irrelevant: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A learned correlation that supports or suppresses a label: from another label that the model decided."""

    label: LabelRef
    weight: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one model says of one label.

    Attributes:
        label, decided: the label; whether it is in the decided set, else it is among the next best, or was missed.
        score: of the model, 0 to 1; None for a missed label that is not among the next best either.
        probability: calibrated; None where it was not decided.
        threshold: on the score; None where it is never decided alone, or was not decided.
        expanded_from: the decided label that brought it along as an ancestor; None when its own score sufficed.
        outcome: how it stands to the labels.
        because: what makes it so: the label that implies it, or that excludes it; empty when the outcome is unknown.
        evidence: learned correlations from other decided labels, the strongest first.
    """

    label: LabelRef
    decided: bool
    score: float | None
    probability: float | None
    threshold: float | None
    expanded_from: LabelRef | None
    outcome: Outcome
    because: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Similar:
    """A lesion of another patient that the model holds to be like this one.

    Attributes:
        lesion: its id.
        rank, distance: 1 for the most similar; in the model's embedding.
        shared: names of labels that both have, ancestors included.
        other: names of labels that only the other one has.
        long_mm, short_mm, position: its size, and :attr:`Geometry.position`.
    """

    lesion: str
    rank: int
    distance: float
    shared: tuple[str, ...]
    other: tuple[str, ...]
    long_mm: float | None
    short_mm: float | None
    position: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class ModelView:
    """What one model says of the lesion.

    Attributes:
        model, created: its id, and when it was trained.
        saw_pixels: it was trained on images.
        note: what must be said beside its predictions.
        behind: it was trained with other relations than the graph holds now.
        predictions: decided labels first, then what was missed, then the next best.
        similar: by rank.
    """

    model: str
    saw_pixels: bool
    note: str
    created: str
    behind: bool
    predictions: tuple[Prediction, ...]
    similar: tuple[Similar, ...]


@dataclass(frozen=True, slots=True)
class Relative:
    """A lesion of the same patient, this one among them.

    Attributes:
        lesion, study: its id, and the surrogate of its study.
        order: number of the study, in order of time; None when unknown.
        age: of the patient at that study, in years.
        long_mm, short_mm: its size.
        same: it is this lesion, or a model holds it to be the same one.
        distance: the nearest that a model found between the two; None for the lesion itself, or when none did.
        models, labels: ids of the models that hold it to be the same, and names of the labels said of it.
    """

    lesion: str
    study: str
    order: int | None
    age: float | None
    long_mm: float | None
    short_mm: float | None
    same: bool
    distance: float | None
    models: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SentenceRef:
    """A sentence of a report that describes the lesion; its text is in the vault.

    Attributes:
        sentence, report: ids.
        start, end, section: its characters in the report, and the report's section.
        labels: labels it mentions, with their relevance to this lesion: ``relevant``, ``uncertain``, ``irrelevant``.
    """

    sentence: str
    report: str
    start: int
    end: int
    section: str
    labels: tuple[tuple[LabelRef, str], ...]


@dataclass(frozen=True, slots=True)
class LesionView:
    """All that the graph knows of one lesion.

    Attributes:
        id, source: of the lesion, and where it came from.
        index: its row in DL_info.csv; None for others.
        patient, study, series: surrogates; empty when unknown.
        study_order: number of the study, in order of time.
        age: of the patient, in years; sex: as recorded; both None when unknown.
        split: of the data set itself.
        geometry: where it is.
        cohorts: with split and released lists.
        asserted, inferred: labels said of it, of all sources, and what follows from them.
        uncertain: labels it may have.
        not_about: labels mentioned beside it, of something else.
        removed: labels that a curator took away.
        superseded: what other sources said where a curator's statement stands now.
        clashes: asserted labels that exclude each other.
        models: newest first.
        relatives: lesions of the same patient, in order of time, this one among them.
        sentences: of reports.
    """

    id: str
    index: int | None
    source: str
    patient: str
    study: str
    series: str
    study_order: int | None
    age: float | None
    sex: str | None
    split: str | None
    geometry: Geometry
    cohorts: tuple[CohortPlace, ...]
    asserted: tuple[Said, ...]
    inferred: tuple[Inferred, ...]
    uncertain: tuple[Said, ...]
    not_about: tuple[Said, ...]
    removed: tuple[Said, ...]
    superseded: tuple[Said, ...]
    clashes: tuple[Clash, ...]
    models: tuple[ModelView, ...]
    relatives: tuple[Relative, ...]
    sentences: tuple[SentenceRef, ...]
