"""What the API server's own code asks of Kubernetes' types, kind by kind, in its words and with its paths.

Each module takes an object whose values have the shapes of its type and whose defaults are there, and gives problems;
nothing is changed, nothing read from elsewhere. They follow pkg/apis/*/validation of Kubernetes 1.37 and are held to
what a real server answered. Rules that the published schema holds are haori.schema.shapes's.
"""
