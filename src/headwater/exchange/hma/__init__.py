"""A look-up server that answers as HMA (hasher-matcher-actioner) does, for tools that speak to it.

It serves the watch lists of one case on the loopback address. Nothing that a list holds leaves
it: an answer says which bank matches, and an opaque id of the content.
"""
