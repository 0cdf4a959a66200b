"""The `haori` command: parses into an options value, runs, prints.

Takes arguments, gives text on standard output (data) and standard error (talk), and an exit code. It puts the rooms
together but decides nothing about clusters itself. Commands are imported only when they are called.
"""
