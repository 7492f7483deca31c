"""The rows of bulk files: `blocks` finds records in bytes, `reader` turns them into rows. Pure.

`typed` gives the values of rows the types of their columns, `attributes` makes columns of what an activity has, and
`arrow` makes record batches; it needs pyarrow.
"""
