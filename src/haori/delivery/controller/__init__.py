"""Keeps every application reconciled: what to look at again, who may write, what is answered.

Takes a cluster client and the pure rooms' decisions; gives patches of Applications and records of the timeline. `engine`
is the process, `leading` one term of its Lease, `reconcile` one look at one application. Around them: the keyed work queue
(`queue`), the Lease (`lease`), the trimmed cluster cache (`cache`), what people declared (`declared`), what Git wants
(`desired`, `polling`, `repositories`), the judgement (`assessing`, `assessment`, `reasons`, `why`), operations (`operating`,
`operations`, `progress`, `deletion`), what is written (`writer`, `publishing`, `status`, `recording`) and what is answered
(`view`, `answers`, `listener`). Nothing important lives only in memory: a restart goes on from what the cluster holds.
"""
