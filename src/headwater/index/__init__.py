"""Structures over many measurements that can be searched."""
