"""Tests of the look-up server."""
