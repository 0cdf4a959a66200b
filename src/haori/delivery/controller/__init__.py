"""The room `delivery.controller`."""
