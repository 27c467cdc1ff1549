"""A data folder in which every text that people or files bring is an attack on the page that shows it."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

from ingest.marks import load_marks
from ingest.mining.pipeline import MiningOptions, mine_reports
from ingest.reports.read import read_reports
from ingest.vault import Vault
from kg.curation.application import apply_changes
from kg.curation.change_set import ChangeSet
from kg.curation.edits import Provenance, add_exclusive, add_soft, add_synonym, define, rename
from kg.curation.proposal_tables import open_curation
from kg.curation.proposals import propose
from kg.embedded import open_folder
from kg.graph_ontology import load_ontology
from kg.ontology import SoftKind
from lesionkg.mining import miner_for

OWNED = "window.__owned=1"
"""What runs when an attack succeeds."""

ATTACK = (
    f"""<img src=x onerror="{OWNED}"><svg onload={OWNED}>{{{{constructor.constructor('{OWNED}')()}}}}"""
    f"""${{{OWNED}}}`</script><script>{OWNED}</script><a href="javascript:{OWNED}">attack</a>"""
)
SHORT = f"<img src=x onerror={OWNED}>{{{{constructor.constructor('{OWNED}')()}}}}"
NAMES = {"lung": f"lung {SHORT}", "nodule": f"nodule </script>{SHORT}", "calcified": f"calcified {SHORT}"}
"""Labels that get another name."""


def make_hostile(demo: Path, home: Path) -> None:
    """Copy the demo's data folder and put an attack into labels, relations, history, proposals, reports, queries."""
    shutil.copytree(demo, home)
    by = Provenance(f"source {SHORT}", f"author {SHORT}", "2026-01-01", f"evidence {ATTACK}")
    with open_folder(home / "graph") as store, open_curation(home) as database, Vault(home / "vault.db") as vault:
        _mine(home, store, vault)
        ontology = load_ontology(store)
        changes = [rename(ontology, old, new) for old, new in NAMES.items()]
        changes += [define(ontology, "liver", f"definition {ATTACK}")]
        changes += [add_synonym(ontology, "liver", f"synonym </script>{SHORT}", source=f"source {SHORT}")]
        changes += [add_soft(ontology, "calcified", SoftKind.CONFUSABLE_WITH, "liver", by)]
        changes += [add_exclusive(ontology, "liver", "lytic", by)]
        apply_changes(store, ChangeSet(tuple(changes), f"author {SHORT}", reason=f"reason {ATTACK}"))
        pending = ChangeSet(
            (define(load_ontology(store), "kidney", f"definition {ATTACK}"),),
            f"proposer {SHORT}",
            reason=f"reason {ATTACK}",
            source=f"source {SHORT}",
        )
        propose(database, store, pending)
        store.write_transaction(
            lambda tx: tx.run("MATCH (m:Model) SET m.note = $note", {"note": f"note {ATTACK}"}),
        )
    (home / "queries").mkdir(exist_ok=True)
    (home / "queries" / "hostile.cypher").write_text(
        f"// title: title {ATTACK}\n// question: question {ATTACK}\n// author: author {SHORT}\n"
        "MATCH (l:Label) RETURN l.name AS `<b>name</b>` ORDER BY l.name LIMIT 5\n",
        encoding="utf-8",
    )


def _mine(home: Path, store, vault: Vault) -> None:  # type: ignore[no-untyped-def]
    """Reports whose every sentence holds an attack."""
    with resources.as_file(resources.files("ingest") / "samples") as samples:
        load_marks(store, vault, samples / "marks.csv", on_problem=lambda problem: None)
        text = (samples / "reports.csv").read_text(encoding="utf-8")
    quoted = ATTACK.replace('"', '""')
    reports = home / "hostile-reports.csv"
    reports.write_text(text.replace("BOOKMARK", f"BOOKMARK {quoted}"), encoding="utf-8")
    ontology = load_ontology(store)
    mine_reports(store, vault, read_reports(reports), miner_for(ontology), ontology.content_hash, MiningOptions())
    reports.unlink()
