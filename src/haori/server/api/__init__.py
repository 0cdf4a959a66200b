"""The handlers, one module a subject; each offers its `ROUTES`."""
