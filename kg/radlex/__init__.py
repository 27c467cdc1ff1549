"""RadLex beside the ontology: its terms as a reference to search, to check mappings against, and to adopt from."""

from kg.radlex.check import check_mappings
from kg.radlex.reference import Reference, read_radlex

__all__ = ["Reference", "check_mappings", "read_radlex"]
