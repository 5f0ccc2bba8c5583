"""The entry point: hooks only."""
