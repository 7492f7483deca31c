"""Benchmarks of the pace against the limits, and of the client's own cost. ``python -m benchmarks`` runs them all."""
