"""The room `schema`."""
