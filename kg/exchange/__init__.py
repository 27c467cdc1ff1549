"""Ontologies and changes in the formats of other tools."""
