"""The records that Marketo returns: msgspec Structs, one module per family, and Marketo's dates (``moment``)."""
