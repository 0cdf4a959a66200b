"""The Kubernetes API of the sandbox.

So far its store: objects on disk with one growing resourceVersion, a bounded log for watches, no acknowledged write
lost. The store knows no types, no rules and no HTTP; what is written to it has been checked before.
"""
