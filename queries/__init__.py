"""Named Cypher queries, safe running of free ones, and results."""
