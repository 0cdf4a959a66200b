"""The room `sandbox.controllers`."""
