"""The room `timeline`."""
