/** One action on many applications: a few at a time, each with its own outcome. */
import { ask } from '@/shared/api/client'
import { argoPath, keyOf, type Ref } from './api'

export type Action = 'sync' | 'refresh'
export interface Choice {
  prune: boolean
  dryRun: boolean
}
/** `null`: done; an error: refused or failed. Applications that are not in it yet wait. */
export type Outcomes = ReadonlyMap<string, unknown>

const AT_ONCE = 4
/** Applications in the command that is shown; it goes on with as many more. */
const NAMED = 8

/** Runs `one` for each, a few at a time, and tells every outcome as it comes. What fails stops nothing but itself. */
export async function runAll<Item extends Ref>(
  items: readonly Item[],
  one: (item: Item) => Promise<unknown>,
  tell: (key: string, outcome: unknown) => void,
  atOnce = AT_ONCE,
): Promise<void> {
  const waiting = [...items]
  const work = async () => {
    for (let item = waiting.shift(); item; item = waiting.shift()) {
      try {
        await one(item)
        tell(keyOf(item), null)
      } catch (error) {
        tell(keyOf(item), error ?? new Error('failed'))
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work))
}

export function act(action: Action, item: Ref, choice: Choice): Promise<unknown> {
  if (action === 'refresh') {
    return ask(argoPath(item), { query: { refresh: 'normal', appNamespace: item.namespace } })
  }
  return ask(`${argoPath(item)}/sync`, { method: 'POST', body: { ...choice, appNamespace: item.namespace } })
}

/** The command and the request that do the same; applications of several namespaces need a command each. */
export function commandOf(action: Action, items: readonly Ref[], choice: Choice): { cli: string; api: string } {
  const flags = action === 'sync' ? `${choice.prune ? ' --prune' : ''}${choice.dryRun ? ' --dry-run' : ''}` : ''
  const namespaces = [...new Set(items.map((each) => each.namespace))]
  const commands = namespaces.map((namespace) => {
    const names = items.filter((each) => each.namespace === namespace).map((each) => each.name)
    const shown = names.length > NAMED ? [...names.slice(0, NAMED), '…'] : names
    const at = namespace === 'argocd' ? '' : ` -N ${namespace}`
    return `haori app ${action} ${shown.join(' ')}${flags}${at}`
  })
  const first = items[0]
  const path = items.length === 1 && first ? argoPath(first) : '/api/v1/applications/NAME'
  const api = action === 'sync' ? `POST ${path}/sync` : `GET ${path}?refresh=normal`
  return { cli: commands.join(' && '), api }
}
