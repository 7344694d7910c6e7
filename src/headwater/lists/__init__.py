"""Known lists: read in the field's formats, and kept sealed."""
