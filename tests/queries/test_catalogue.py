"""The headers of named queries say what the statements need and return."""

from __future__ import annotations

import pytest

from kg.errors import LesionKGError, QueryRefusedError, UsageError
from queries.catalogue import NamedQuery, catalogue, named, parse
from queries.parameters import Parameter, ParameterKind, bind

HEADER = """\
// title: Labels
// question: Which labels begin so?
// param start: text = li -- how they begin
// param limit: integer = 5 -- most rows
// column label: the label
"""
STATEMENT = "MATCH (c:Label) WHERE c.name STARTS WITH $start RETURN c.name AS label ORDER BY label LIMIT $limit\n"

REQUIRED = [  # the questions the project promises to answer
    "lesions-under-label",
    "lesions-with-findings",
    "predicted-outside-site",
    "exclusive-labels-together",
    "reliable-negatives",
    "labels-never-ruled-out",
    "missing-annotations",
    "new-correlations",
    "correlated-exclusives",
    "unstable-correlations",
    "model-disagreements",
    "impossible-for-sex",
    "patient-history",
    "errors-by-group",
    "co-occurrence",
    "few-positives",
    "only-inferred",
    "stale-predictions",
    "patients-in-two-splits",
]


@pytest.mark.parametrize("name", REQUIRED)
def test_every_promised_question_has_a_named_query(name: str) -> None:
    assert named(name).question.endswith("?")


@pytest.mark.parametrize("query", catalogue().values(), ids=lambda q: q.name)
def test_every_named_query_can_be_run_without_giving_a_parameter(query: NamedQuery) -> None:
    assert set(bind(query.parameters, {}, query.name)) == {p.name for p in query.parameters}
    assert all(query.columns.values()) and all(p.description for p in query.parameters)


def test_a_header_is_read_into_typed_parameters_and_columns() -> None:
    query = parse("labels", HEADER + STATEMENT)
    assert (query.title, query.question) == ("Labels", "Which labels begin so?")
    assert query.parameters == (
        Parameter("start", ParameterKind.TEXT, "li", "how they begin"),
        Parameter("limit", ParameterKind.INTEGER, 5, "most rows"),
    )
    assert dict(query.columns) == {"label": "the label"}
    assert query.as_dict()["parameters"][1] == {
        "name": "limit", "type": "integer", "default": 5, "description": "most rows"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(STATEMENT, "needs a title", id="no header"),
        pytest.param(HEADER.replace("// title: Labels\n", "") + STATEMENT, "needs a title", id="no title"),
        pytest.param(HEADER.replace("// column label: the label\n", "") + STATEMENT, "column", id="no column"),
        pytest.param(HEADER + "// title: again\n" + STATEMENT, "something twice", id="title twice"),
        pytest.param(HEADER + "// parm x: text -- y\n" + STATEMENT, "cannot read", id="misspelled"),
        pytest.param(HEADER.replace("integer", "int") + STATEMENT, "type = default", id="unknown type"),
        pytest.param(HEADER + "// param more: text -- y\n" + STATEMENT, "['more']", id="unused parameter"),
        pytest.param(HEADER + STATEMENT.replace("$start", "$begin"), "['begin', 'start']", id="other parameter"),
    ],
)
def test_a_broken_header_is_one_clear_error(text: str, said: str) -> None:
    with pytest.raises(LesionKGError, match=r"named query labels: .*; correct queries/named/labels\.cypher") as error:
        parse("labels", text)
    assert said in str(error.value)


def test_a_named_query_that_writes_is_refused() -> None:
    with pytest.raises(QueryRefusedError, match="SET writes"):
        parse("labels", HEADER + STATEMENT.replace("RETURN", "SET c.x = 1 RETURN"))


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(UsageError, match=r"there is no such named query; did you mean similar-lesions\?"):
        named("similiar-lesion")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (ParameterKind.INTEGER, "12", 12),
        (ParameterKind.NUMBER, "1.5", 1.5),
        (ParameterKind.BOOLEAN, "True", True),
        (ParameterKind.TEXT, "a, b", "a, b"),
        (ParameterKind.TEXTS, "a, b c ,,d", ["a", "b c", "d"]),
        (ParameterKind.LABELS, "liver,mass", ["liver", "mass"]),
    ],
)
def test_texts_are_read_as_their_parameter_demands(kind: ParameterKind, text: str, value: object) -> None:
    assert bind([Parameter("p", kind, None, "d")], {"p": text}, "q") == {"p": value}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ParameterKind.INTEGER, "1.5"),
        (ParameterKind.INTEGER, "many"),
        (ParameterKind.INTEGER, "9" * 30),
        (ParameterKind.INTEGER, True),
        (ParameterKind.NUMBER, "nan"),
        (ParameterKind.NUMBER, "1e99"),
        (ParameterKind.BOOLEAN, "yes"),
        (ParameterKind.TEXT, 5),
        (ParameterKind.TEXTS, [1]),
        (ParameterKind.LABEL, ["liver"]),
    ],
)
def test_a_value_of_another_type_is_refused(kind: ParameterKind, value: object) -> None:
    with pytest.raises(UsageError, match="parameter p: "):
        bind([Parameter("p", kind, None, "d")], {"p": value}, "q")


def test_an_unknown_and_a_missing_parameter_are_named() -> None:
    parameters = [
        Parameter("label", ParameterKind.LABEL, None, "the label"),
        Parameter("n", ParameterKind.TEXT, "", "x"),
    ]
    with pytest.raises(UsageError, match=r"query q: no parameter 'lable'; did you mean label\? \(it has: label, n\)"):
        bind(parameters, {"lable": "liver"}, "q")
    with pytest.raises(UsageError, match=r"query q: needs --param label=\.\.\., the label"):
        bind(parameters, {}, "q")


def test_a_list_of_too_many_values_is_refused() -> None:
    with pytest.raises(UsageError, match=r"parameter labels: 1001 values; give at most 1000"):
        bind(named("lesions-with-findings").parameters, {"labels": ["liver"] * 1001}, "lesions-with-findings")
