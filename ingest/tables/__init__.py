"""Data only: the shipped DeepLesion and LesaNet tables."""
