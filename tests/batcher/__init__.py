"""Batchers: what they gather, their ends, their journal, and records that make their calls fail."""
