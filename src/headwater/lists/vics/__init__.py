"""VICS (Video Image Classification Standard), versions 1.1 to 2.0: read, linted, repaired."""
