"""Bulk exports: from a range of time to rows, or to a file that a later run can resume.

`windows` splits the range, and `request` holds the fields and selections. `jobs` carries one job to its file,
`part_file` downloads that file, and `run` keeps several windows under way. `state` is what a later run resumes from,
`output` writes the file, `conversion` makes JSON lines and Parquet of it, `usage` sums the bytes of the day. `batches`
reads a file as record batches. `export` joins them: it yields rows or record batches, or writes a file.
"""
