"""Painting of photograph-like scenes."""
