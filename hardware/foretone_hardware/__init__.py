"""Chips and boards: one chip, one file; they know nothing of the daemon."""
