"""``lesionkg label-text``: the labels of lesion descriptions, one a line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionkg.cli.context import Graph, Home, errors
from lesionkg.cli.known import known_ontology

if TYPE_CHECKING:
    from ingest.mining.describe import Description
    from kg.ontology import Ontology


def command(
    label_set: Annotated[
        str | None, typer.Option("--label-set", help="Give labels of this set only, in its order.", show_default=False)
    ] = None,
    expand: Annotated[bool, typer.Option("--expand", help="Add what the labels imply by the ontology.")] = False,
    rules: Annotated[Path | None, typer.Option("--rules", help="YAML file with phrases and cues of your own.")] = None,
    weakest: Annotated[
        str, typer.Option("--weakest", help="Weakest scope of a term that gives a label: exact, broad or related.")
    ] = "related",
    home: Home = None,
    graph: Graph = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object a line instead of text.")] = False,
) -> int:
    """Find the labels of lesion descriptions: one a line on standard input, one a line on standard output.

    The ontology is the graph's if there is one, else the one that ships. Mentions outside the label set are given too:
    they explain labels. Try it: echo "left renal cyst" | lesionkg label-text --expand
    """
    from ingest.mining.describe import Describer
    from kg.errors import UsageError
    from kg.ontology import SynonymScope
    from lesionkg.mining import miner_for

    if weakest not in (SynonymScope.EXACT, SynonymScope.BROAD, SynonymScope.RELATED):
        raise UsageError(f"--weakest {weakest}: no such scope here; use exact, broad or related")
    ontology = known_ontology(home, graph)
    miner = miner_for(ontology, rules)
    describer = Describer(ontology, miner.matcher, miner.relevance, label_set, expand, SynonymScope(weakest))
    left_out = 0
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            text = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            errors.print(f"line {number}: not UTF-8, left out; convert it first", markup=False, highlight=False)
            left_out += 1
            text = ""
        (description,) = describer.describe([text])
        if json_:
            typer.echo(json.dumps(_as_json(description, ontology), ensure_ascii=False))
        else:
            typer.echo(", ".join(description.labels))
        sys.stdout.flush()
    return 1 if left_out else 0


def _as_json(description: Description, ontology: Ontology) -> dict[str, Any]:
    return {
        "labels": list(description.labels),
        "mentions": [
            {
                "label": ontology.by_id[mention.label].name,
                "id": mention.label,
                "start": mention.start,
                "end": mention.end,
                "parts": [list(part) for part in mention.parts],
                "rule": mention.rule,
                "term": mention.term,
                "scope": mention.scope,
                "nested": mention.nested,
                "relevance": judgement.relevance,
                "relevance_rule": judgement.rule,
            }
            for mention, judgement in zip(description.sentence.mentions, description.judgements, strict=True)
        ],
    }
