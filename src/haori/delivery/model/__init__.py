"""The room `delivery.model`."""
