"""The room `sandbox`."""
