"""Data only: the lesion ontology, its label set, reviewed tables and RadLex mappings."""
