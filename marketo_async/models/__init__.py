"""What comes back: msgspec Structs, one module per family, and Marketo's dates (``moment``)."""
