"""What mining needs, put together: the lexicon of a graph's ontology, a hospital's rules, a trained relation CNN."""

from __future__ import annotations

from pathlib import Path

from ingest.mining.cues import shipped_cues
from ingest.mining.lexicon import Lexicon
from ingest.mining.matcher import Matcher
from ingest.mining.mention import RelevanceModel
from ingest.mining.rule_file import RuleFile, read_rules
from ingest.mining.rule_relevance import RuleRelevance
from ingest.mining.workers import Miner
from kg.ontology import Ontology


def miner_for(
    ontology: Ontology, rules: Path | None = None, model: Path | None = None, label_set: str | None = None
) -> Miner:
    """A miner for the labels of an ontology.

    Args:
        ontology: as the graph holds it.
        rules: a rule file; its phrases are added to the lexicon, its cues to those that ship.
        model: folder of a trained relation network, which then decides together with the rules.
        label_set: look for these labels only.

    Raises:
        InputError: rule file or model folder cannot be used.
        UsageError: no such label set.
    """
    own = read_rules(rules) if rules else RuleFile()
    relevance: RelevanceModel = RuleRelevance((*shipped_cues(), *own.cues))
    if model:
        from learn.relation.ensemble import Ensemble
        from learn.relation.run import load_relation_cnn

        relevance = Ensemble(load_relation_cnn(model), relevance)
    return Miner(Matcher(Lexicon.of_ontology(ontology, own, label_set)), relevance)
