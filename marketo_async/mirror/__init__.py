"""The mirror: it keeps a database equal to an instance. It needs the extra ``mirror``. See `Mirror`.

dlt writes the tables, at any of its destinations; the plan, the feed, deletions and merges are this package's.
"""
