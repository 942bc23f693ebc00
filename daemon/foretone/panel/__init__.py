"""The web process and its one page."""
