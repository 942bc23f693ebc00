"""Mapping by example: what was shown, what was learned from it, and how it is played. No thread here."""
