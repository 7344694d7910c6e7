"""Measurements of Headwater against its targets; `python -m bench --help` says how."""
