"""Accounts on Mastodon and servers that speak its API, for Fieldfare."""
