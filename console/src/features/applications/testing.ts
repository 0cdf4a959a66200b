import type { Row } from '@/shared/api/types'

/** A row of a test: `web` in `shop`, fine in every way but those given. */
export function row(parts: Partial<Row>): Row {
  return {
    name: 'web',
    namespace: 'argocd',
    project: 'shop',
    cluster: 'in-cluster',
    destinationNamespace: 'web',
    repo: 'https://git.example/platform.git',
    path: 'apps/web',
    revision: 'a'.repeat(40),
    targetRevision: 'main',
    sync: 'Synced',
    health: 'Healthy',
    phase: 'Succeeded',
    why: null,
    pinned: false,
    reconciledAt: '',
    images: ['registry.example/web:1'],
    labels: { team: 'wear' },
    parent: '',
    ...parts,
  }
}
