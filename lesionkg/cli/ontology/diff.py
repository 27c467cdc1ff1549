"""``lesionkg ontology``: compare two revisions, files, or a file and a graph."""
