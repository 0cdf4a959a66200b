"""The room `sandbox.node`."""
