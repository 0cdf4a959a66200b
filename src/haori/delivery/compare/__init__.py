"""The room `delivery.compare`."""
