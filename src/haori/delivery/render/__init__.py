"""The room `delivery.render`."""
