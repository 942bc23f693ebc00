"""What an instrument hears: one file a kind."""
