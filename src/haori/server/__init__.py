"""The room `server`."""
