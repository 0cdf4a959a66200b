"""The room `git`."""
