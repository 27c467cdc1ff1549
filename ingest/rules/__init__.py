"""Data only: phrases, cues and word tables of report mining, as YAML."""
