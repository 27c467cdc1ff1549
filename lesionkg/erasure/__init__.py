"""Erasing a patient from everything that a data folder holds, and proving it."""
