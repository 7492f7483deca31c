"""The rows of bulk files: `blocks` finds records in bytes, `reader` turns them into rows. Pure."""
