"""The room `delivery.health`."""
