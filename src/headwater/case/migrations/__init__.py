"""Migrations of the case's tables, run by `headwater.case.upgrade`.

A migration may add tables and indices, never change or extend a table that exists: the digest of
a committed leaf covers its rows as they were.
"""
