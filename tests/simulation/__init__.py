"""Deterministic simulation of the whole daemon: one seed is one universe, the same to the byte every time."""
