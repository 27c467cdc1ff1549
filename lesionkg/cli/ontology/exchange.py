"""``lesionkg ontology``: files of other tools, and releases."""
