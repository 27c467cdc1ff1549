"""Curation: typed changes to an ontology, what they do before they are saved, their review and their history."""
