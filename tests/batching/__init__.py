"""Writes at volume: cutting, keys, results, batchers and their journal."""
