"""Writes at volume: cutting, keys, results."""
