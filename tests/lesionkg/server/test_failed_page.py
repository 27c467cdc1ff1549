"""A page that fails shows a page of ours, with nothing of the error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from made_ontology import small

from kg.connect import open_store
from kg.graph_ontology import save_ontology

SCRIPT = """
import sys
from pathlib import Path
from fastapi.testclient import TestClient
from lesionkg.server.app import create_app
from lesionkg.server.settings import Settings
from lesionkg.server.workplace import Workplace

home = Path(sys.argv[1])
with Workplace(Settings(home, str(home / "graph"))) as place:
    app = create_app(place)
    from lesionkg.workbench.frame import page

    @page("/fails", "Fails")
    async def fails() -> None:
        raise RuntimeError("text of report 55501")

    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        answer = client.get("/fails")
        print(answer.status_code, answer.text)
"""


def test_a_page_that_fails_does_not_show_the_message(tmp_path: Path) -> None:
    with open_store(tmp_path / "graph") as store:
        save_ontology(store, small(), author="importer")
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("500 "), done.stderr
    assert "This page failed" in done.stdout
    assert "report 55501" not in done.stdout + done.stderr
    assert "RuntimeError at" in done.stderr
