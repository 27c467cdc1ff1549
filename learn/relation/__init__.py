"""Relation CNN: is a label of a sentence about this bookmark?"""
