"""The collector's own count of what it accepted, apart from the stream: the port, its adapter."""
