"""Changes over HTTP: measured, proposed, reviewed and applied as on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_server import Api
from sqlalchemy import Column, MetaData, Table

from kg.curation.change_set import change_set_from_dict
from kg.curation.impact import impact
from kg.curation.incoherence import read_models
from kg.curation.label_data import read_label_data
from kg.errors import ChangeRefusedError, ConflictError, UsageError
from kg.graph_ontology import load_ontology
from lesionkg.server.tables import AUDIT

ABSENT = Table("absent", MetaData(), *(Column(column.name, column.type) for column in AUDIT.columns))
LINE = "create exact synonym 'nodule in the lung' for 'lung nodule'"
EDGE = "create edge 'lung nodule' located_in liver"


def test_the_impact_is_that_of_the_command_line(api: Api) -> None:
    before = load_ontology(api.store)
    lines = ["delete edge 'lung nodule' located_in lung"]
    found = api.client.impact(lines)
    proposal = api.client.propose(lines, reason="a test", draft=True)
    change_set = change_set_from_dict(proposal["change_set"])
    after = change_set.apply(before)
    local = impact(before, after, read_label_data(api.store, "lesanet"), "lesanet-171", read_models(api.store))
    assert found["impact"] == json.loads(json.dumps(local.as_dict()))
    assert (found["before"], found["after"]) == (before.content_hash, after.content_hash)
    assert found["impact"]["matrix_cells"]["ancestors_lost"]
    assert api.client.impact(change_set)["impact"] == found["impact"]


def test_what_breaks_a_rule_is_told_beforehand_and_not_kept(api: Api) -> None:
    found = api.client.impact([EDGE])["assessment"]
    assert found["errors"]
    assert found["remedy"]["options"]
    kept = len(api.reader.get("/api/changes").json())
    with pytest.raises(ChangeRefusedError, match="nothing was saved"):
        api.client.propose([EDGE], reason="a test")
    assert len(api.reader.get("/api/changes").json()) == kept


def test_a_proposal_goes_its_way_to_a_revision(api: Api) -> None:
    def at(path: str, body: Any = None) -> Any:
        return api.curator.post(f"/api/changes/{made['number']}/{path}", json=body)

    made = api.client.propose(LINE, reason="reports write it so", source="a test", impact="lesanet")
    assert (made["status"], made["author"]) == ("proposed", "curator")
    assert "lesions change" in made["change_set"]["impact"]
    assert at("apply").status_code == 409
    assert at("review", {"accept": False}).status_code == 422
    assert at("review", {"accept": True, "comment": "yes"}).json()["status"] == "accepted"
    applied = at("apply").json()
    assert (applied["status"], applied["revision"]) == ("applied", made["base"] + 1)
    assert at("apply").json()["revision"] == applied["revision"]
    assert "nodule in the lung" in {s.text for s in load_ontology(api.store).label("lung nodule").synonyms}
    found = api.reader.get(f"/api/changes/{made['number']}").json()
    kinds = [event["kind"] for event in found["events"]]
    assert (kinds[0], kinds[-3:]) == ("created", ["accepted", "began", "applied"])
    assert found == api.reader.get("/api/changes?status=applied").json()[0]
    with pytest.raises(ConflictError):
        api.client.propose(change_set_from_dict(made["change_set"]), reason="again")


def test_without_its_row_in_the_audit_log_no_step_happens(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def kept() -> Any:
        return api.reader.get("/api/changes").json(), load_ontology(api.store).content_hash

    line = "create exact synonym 'a spot in the lung' for 'lung nodule'"
    made = api.client.propose(line, reason="a test")
    at = f"/api/changes/{made['number']}"
    before = kept()
    with monkeypatch.context() as broken:
        broken.setattr("lesionkg.server.audit.AUDIT", ABSENT)
        body = {"lines": ["create exact synonym 'another' for 'lung'"], "reason": "a test"}
        assert api.curator.post("/api/changes", json=body).status_code == 503
        assert api.curator.post(f"{at}/review", json={"accept": True}).status_code == 503
    assert kept() == before
    assert api.curator.post(f"{at}/review", json={"accept": True}).status_code == 200
    before = kept()
    with monkeypatch.context() as broken:
        broken.setattr("lesionkg.server.audit.AUDIT", ABSENT)
        assert api.curator.post(f"{at}/apply").status_code == 503
    assert kept() == before


def test_whoever_sends_a_change_answers_for_it(api: Api) -> None:
    made = api.client.propose("create exact synonym 'a nodule of lung' for 'lung nodule'", reason="a test", draft=True)
    forged = change_set_from_dict({**made["change_set"], "author": "somebody else"})
    assert api.client.propose(forged, reason="a test", draft=True)["author"] == "curator"
    with pytest.raises(UsageError, match="give one of them"):
        api.client.propose(forged, reason="a test", draft=True, apply=True)
