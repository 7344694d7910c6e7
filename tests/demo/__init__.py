"""Tests of the evidence that the demonstration makes."""
