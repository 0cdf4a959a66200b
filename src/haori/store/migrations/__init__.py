"""The schema, as numbered SQL files: applied in order, once, and never changed after a release."""
