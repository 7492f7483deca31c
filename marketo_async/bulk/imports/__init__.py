"""Bulk imports: any number of rows, in files that Marketo accepts.

`input_file` reads the caller's CSV file, `files` writes rows to files below 10 MB, and `run` sends those. `rejects`
finds the rejected rows in the input.
"""
