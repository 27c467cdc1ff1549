"""DeepLesion files, released label lists and the shipped tables, and their way into the graph."""
