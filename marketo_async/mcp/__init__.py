"""A governed MCP server for Marketo: each agent with exactly its rights, and every call on record. Extra ``mcp``.

``server`` is the only module that imports the ``mcp`` package. The others work without it: ``policy`` says what an
agent may do, ``guard`` enforces it where every call passes, and ``audit`` keeps the record.
"""
