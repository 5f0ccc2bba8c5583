"""Rules that answer people, for Fieldfare."""
