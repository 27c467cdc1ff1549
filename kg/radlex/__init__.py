"""RadLex beside the ontology: its terms as a reference to search, to check mappings against, and to adopt from."""

from kg.radlex.table import RadLex, check_mappings, read_radlex

__all__ = ["RadLex", "check_mappings", "read_radlex"]
