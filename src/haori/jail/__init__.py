"""The room `jail`."""
