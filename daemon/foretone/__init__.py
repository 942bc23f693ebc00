"""Foretone: an instrument that learns how its player plays."""
