"""What an instrument plays: one file a kind."""
