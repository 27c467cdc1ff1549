"""Features, network head, losses, training, evaluation and publishing. Knows relations only as matrices."""
