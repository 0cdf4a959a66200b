"""The room `delivery.apply`."""
