"""Metadata of pictures: where its segments lie, and what they say."""
