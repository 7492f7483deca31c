"""Bulk exports: from a range of time to rows, or to a file that survives whatever happens.

`windows` splits the range, `request` is what is asked for, `jobs` is the life of one job, `part_file` the download,
`run` the windows side by side, `state` what another run continues from, `output` the file in each format, `usage` the
bytes of the day, and `export` the two ends: rows one by one, and a file.
"""
