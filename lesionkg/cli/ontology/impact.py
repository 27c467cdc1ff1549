"""``lesionkg ontology``: what a change set does before it is saved."""
