"""The MCP server: its tools, its transports, and the questions that its search must answer."""
