"""Haori puts a company's scattered stack on one Kubernetes cluster and keeps it there through Git.

The rooms below are listed in the order in which they may import each other; docs/architecture.md walks through them.
Nothing is imported here, so that `haori --help` stays quick.
"""

__version__ = "0.1.0"
