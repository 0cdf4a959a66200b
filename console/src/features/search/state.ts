/** What is searched for, as the address has it. */
import type { Query } from '@/shared/api/client'

export const HEALTHS = ['Degraded', 'Missing', 'Progressing', 'Suspended', 'Unknown', 'Healthy'] as const
const FIELDS = ['q', 'kind', 'health', 'image', 'label'] as const
export type SearchState = Readonly<Record<(typeof FIELDS)[number], string>> & { limit: number }

export const FIRST = 50
const MOST = 500

export function readState(parameters: URLSearchParams): SearchState {
  const of = (name: (typeof FIELDS)[number]) => parameters.get(name) ?? ''
  const limit = Number(parameters.get('limit'))
  return {
    q: of('q'),
    kind: of('kind'),
    health: of('health'),
    image: of('image'),
    label: of('label'),
    limit: Number.isInteger(limit) && limit > FIRST ? Math.min(limit, MOST) : FIRST,
  }
}

export function writeState(state: SearchState): URLSearchParams {
  const parameters = new URLSearchParams()
  for (const name of FIELDS) if (state[name].trim()) parameters.set(name, state[name])
  if (state.limit !== FIRST) parameters.set('limit', String(state.limit))
  return parameters
}

/** What the server is asked; null while there is nothing to look for. */
export function queryOf(state: SearchState): Query | null {
  const given = Object.fromEntries(FIELDS.map((name) => [name, state[name].trim()]))
  return Object.values(given).some(Boolean) ? { ...given, limit: state.limit } : null
}

/** How many are asked for next; null where the server gives no more. */
export function nextLimit(shown: number, total: number, limit: number): number | null {
  return total > shown && limit < MOST ? Math.min(MOST, limit * 4) : null
}
