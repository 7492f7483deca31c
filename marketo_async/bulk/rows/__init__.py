"""The rows of bulk files: `blocks` finds records in bytes, `reader` makes rows of them. Pure."""
