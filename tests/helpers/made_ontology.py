"""Made ontologies; synthetic, for tests."""

from __future__ import annotations

from kg.ontology import (
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    MatchKind,
    Ontology,
    Relation,
    RelationKind,
    SoftKind,
    SoftRelation,
    Synonym,
    SynonymScope,
    TermMapping,
)

CHEST, LUNG, LEFT_LUNG, LIVER, NODULE, MASS, SOLID, CALCIFIED = (f"T:{i}" for i in range(1, 9))


def small() -> Ontology:
    """Eight labels: chest > lung > left lung, liver; nodule in the lung; solid and calcified exclude one another."""
    return Ontology(
        name="made",
        version="3",
        notices=("A notice\nof two lines.", "Another."),
        labels=(
            Label(CHEST, "chest", LabelClass.BODYPART, definition="Everything between neck and abdomen."),
            Label(
                LUNG,
                "lung",
                LabelClass.BODYPART,
                synonyms=(
                    Synonym("pulmonary", SynonymScope.EXACT, "made"),
                    Synonym("Lunge 🫁", SynonymScope.RELATED),
                ),
                mappings=(
                    TermMapping("RID1301", "lung", MatchKind.EXACT, "reviewed"),
                    TermMapping("RID9", "thorax", MatchKind.BROAD),
                ),
                source="made",
            ),
            Label(LEFT_LUNG, "left lung", LabelClass.BODYPART),
            Label(LIVER, "liver", LabelClass.BODYPART),
            Label(NODULE, "nodule", LabelClass.TYPE),
            Label(MASS, "mass", LabelClass.TYPE, deprecated=True, replaced_by=NODULE),
            Label(SOLID, "solid", LabelClass.ATTRIBUTE),
            Label(CALCIFIED, "calcified", LabelClass.ATTRIBUTE),
        ),
        relations=(
            Relation(LUNG, RelationKind.LOCATED_IN, CHEST, "made", "someone", "2020-01-02", "a book"),
            Relation(LEFT_LUNG, RelationKind.PART_OF, LUNG, "made"),
            Relation(LEFT_LUNG, RelationKind.IS_A, LUNG, "RadLex"),
            Relation(LEFT_LUNG, RelationKind.IS_A, LUNG, "made"),
        ),
        exclusive_pairs=(ExclusivePair(LIVER, CHEST, "made", evidence="anatomy"),),
        exclusive_groups=(ExclusiveGroup("G:1", (SOLID, CALCIFIED), "made"),),
        soft_relations=(
            SoftRelation(NODULE, SoftKind.TYPICALLY_LOCATED_IN, LUNG, "made"),
            SoftRelation(NODULE, SoftKind.CONFUSABLE_WITH, MASS),
        ),
        label_sets=(
            LabelSet("all", (LEFT_LUNG, CHEST, LUNG, LIVER, NODULE, SOLID, CALCIFIED)),
            LabelSet("few", (LUNG, CHEST), "2"),
        ),
    )


def generation(number: int) -> Ontology:
    """A made ontology of 150 labels (synthetic); another generation has other names, relations and closures."""
    ids = [f"T:{i:03d}" for i in range(150)]
    return Ontology(
        name="made",
        version=str(number),
        labels=tuple(Label(x, f"label {x} of generation {number}", LabelClass.TYPE) for x in ids),
        relations=tuple(
            Relation(ids[i], RelationKind.IS_A, ids[(i - 1) // (2 + number % 3)], f"generation {number}")
            for i in range(1, 150)
        ),
        exclusive_pairs=tuple(
            ExclusivePair(a, b, "made") for i, a in enumerate(ids[100:]) for b in ids[101 + i :] if number % 2
        )
        if number % 3 == 0
        else (),
        label_sets=(LabelSet("all", tuple(ids)),),
    )
