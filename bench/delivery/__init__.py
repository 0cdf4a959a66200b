"""How quickly the engine delivers, beside what the cluster's API itself takes for the same writes.

`fixture` makes the repository and the Applications, `floor` sends the bare writes, `engine` runs an engine and reads
what it used, `scenarios` does what a company does and times it. The cluster is whatever the kubeconfig names, never the
sandbox of this project: see `__main__` for how to read the table.
"""
