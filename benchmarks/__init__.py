"""Benchmarks against the limits, and of what the client itself costs. ``python -m benchmarks`` prints them all."""
