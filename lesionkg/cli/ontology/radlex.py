"""``lesionkg ontology``: RadLex as a reference beside the ontology."""
