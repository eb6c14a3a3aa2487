"""The network as the clients of this tool see it."""
