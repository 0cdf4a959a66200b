"""A Kubernetes API server, its controllers and a node, on one machine.

Takes a data folder and gives a cluster on loopback that other rooms reach only over HTTP, as they would a real one. It
knows nothing of delivery. What exists so far is the store below the API (`haori.sandbox.api.store`).
"""
