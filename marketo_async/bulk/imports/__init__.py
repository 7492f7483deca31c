"""Bulk imports: any number of rows in files that Marketo takes.

`input_file` reads a file that somebody else wrote, `files` cuts rows into files below 10 MB, `run` sends them, and
`rejects` finds the rows that Marketo did not take in the input.
"""
