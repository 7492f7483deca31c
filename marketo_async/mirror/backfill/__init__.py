"""The producers of a mirror's first load and of its refreshes; each continues where the last completed load ended."""
