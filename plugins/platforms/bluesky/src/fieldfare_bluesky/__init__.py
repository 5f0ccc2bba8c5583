"""Bluesky accounts for Fieldfare."""
