"""``lesionkg ontology``: propose, review, apply and undo changes; show their history."""
