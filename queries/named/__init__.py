"""Data only: the named queries, one ``.cypher`` file each."""
