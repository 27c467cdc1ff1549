"""``lesionkg demo``: the whole loop on the shipped real tables."""

from __future__ import annotations

from dataclasses import asdict

from lesionkg.cli.context import (
    RESEARCH_USE_ONLY,
    Graph,
    Home,
    Json,
    console,
    errors,
    graph_url,
    home_folder,
    print_json,
    progress,
)

_NEXT = (
    ("what a label implies, excludes, and why", 'ontology show "lung nodule"'),
    ("what is wrong with the ontology as released", "ontology check --name lesanet-released"),
    (
        "what a change would do to the labels, negatives and models, before it is saved",
        "ontology impact --before lesanet-repaired --after lesionkg-curated",
    ),
    ("what the model and the lesions suggest to a curator, ranked", "ontology queue"),
    ("all named questions", "query --list"),
    ("labels that exclude each other on one lesion", "query exclusive-labels-together"),
    (
        "your own question",
        "query --cypher 'MATCH (l:Lesion)-[:HAS_LABEL]->(c:Label) "
        "RETURN c.name AS label, count(l) AS lesions ORDER BY lesions DESC LIMIT 5'",
    ),
    ("how good the model is, label by label", "evaluate {run} --per-label"),
    ("a mined report, its labels by relevance", "mine show SAMPLE-1 --home {home}/samples"),
    ("your own sentence", 'mine show --text <<< "Large nodule BOOKMARK abutting the pleura in the left upper lobe."'),
    ("the graph for any Neo4j driver, on loopback", "graph serve"),
    ("all of it in the browser: look, ask, review, change", "serve"),
)


def command(home: Home = None, graph: Graph = None, json_: Json = False) -> None:
    """Ontology, graph, matrices, training, write-back, questions: the whole loop on real DeepLesion lesions."""
    from lesionkg.demo import run_demo
    from queries.results import as_json, as_table

    folder = home_folder(home)
    out = errors if json_ else console
    with progress(quiet=json_) as display:
        task = display.add_task("training", total=None, visible=False)

        def on_progress(done: int, of: int) -> None:
            display.update(task, completed=done, total=of, visible=done < of)

        report = run_demo(folder, graph_url(home, graph), lambda line: out.print(line, highlight=False), on_progress)
    if json_:
        values = asdict(report)
        print_json(values | {"answers": {name: as_json(found) for name, found in report.answers.items()}})
        return
    for name, found in report.answers.items():
        out.print(as_table(found, name))
    nodes, edges = sum(report.counts["nodes"].values()), sum(report.counts["relationships"].values())
    seconds = ", ".join(f"{step} {taken:.0f} s" for step, taken in report.timings.items())
    out.print(f"The graph has {nodes:,} nodes and {edges:,} relationships. {seconds}.", highlight=False)
    out.print(f"Data folder: {folder}. {RESEARCH_USE_ONLY}\n\nNext, with .venv/bin/lesionkg:", highlight=False)
    for what, how in _NEXT:
        out.print(f"  {how.format(run=report.run, home=folder)}", highlight=False, markup=False, soft_wrap=True)
        out.print(f"      {what}", style="dim", highlight=False)
