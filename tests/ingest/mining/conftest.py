"""What tests of the mining pipeline share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.mining.lexicon import Lexicon
from ingest.mining.matcher import Matcher
from ingest.mining.rule_relevance import RuleRelevance
from ingest.mining.workers import Miner
from ingest.vault import Vault
from kg.ontology import Ontology
from kg.shipped import load_shipped


@pytest.fixture(scope="session")
def ontology() -> Ontology:
    return load_shipped()


@pytest.fixture(scope="session")
def miner(ontology: Ontology) -> Miner:
    return Miner(Matcher(Lexicon.of_ontology(ontology)), RuleRelevance())


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with Vault(tmp_path / "vault.db") as opened:
        yield opened
