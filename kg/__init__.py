"""Ontology model, relation algebra, relation matrices, graph stores and cohorts."""
