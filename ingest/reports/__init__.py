"""Radiology reports: reading them, and their sections, sentences and bookmarks, with offsets into the original text."""
