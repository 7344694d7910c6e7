"""Headwater: trace media to its source."""
