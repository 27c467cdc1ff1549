"""``lesionkg ontology``: what to look at next, ranked."""
