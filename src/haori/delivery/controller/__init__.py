"""Keeps every application reconciled: what to look at again, who may write, what is answered.

Takes a cluster client and the pure rooms' decisions; gives patches of Applications and records of the timeline. What
is here: the keyed work queue (`queue`), the Lease (`lease`), the trimmed cluster cache (`cache`), admission by project
(`admit`), pins (`pins`), the one status patch (`status`), why something is not as wanted (`why`), and the installation
of what the engine needs (`install`). Nothing important lives only in memory: a restart goes on from what the cluster
holds. Automated sync, retries and history are decided in `delivery.plan`, not here.
"""
