"""The room `sandbox.api`."""
