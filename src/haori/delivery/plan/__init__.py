"""The room `delivery.plan`."""
