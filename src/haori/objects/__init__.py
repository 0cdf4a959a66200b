"""The room `objects`."""
