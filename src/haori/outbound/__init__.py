"""The room `outbound`."""
