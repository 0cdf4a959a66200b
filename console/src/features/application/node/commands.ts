/** What one would type in a terminal to do the same to an object. Pure. */
import type { Node } from '../nodes'
import type { Removal } from './api'

function target({ group, kind, name }: Node): string {
  const isBuiltIn = group === '' || group === 'apps' || group === 'batch'
  return isBuiltIn ? `${kind.toLowerCase()}/${name}` : `${kind.toLowerCase()}.${group}/${name}`
}

function kubectl(node: Node, rest: string): string {
  return `kubectl${node.namespace ? ` -n ${node.namespace}` : ''} ${rest}`
}

/** The command of an action; null where kubectl has none and only the HTTP request does it. */
export function commandOf(node: Node, action: string, values: Record<string, string>): string | null {
  const at = target(node)
  const isWorkload = node.group === 'apps'
  switch (action) {
    case 'restart':
      return isWorkload ? kubectl(node, `rollout restart ${at}`) : null
    case 'pause':
      return isWorkload ? kubectl(node, `rollout pause ${at}`) : null
    case 'resume':
      if (isWorkload) return kubectl(node, `rollout resume ${at}`)
      return node.group === 'batch' ? kubectl(node, `patch ${at} -p '{"spec":{"suspend":false}}'`) : null
    case 'suspend':
      return node.group === 'batch' ? kubectl(node, `patch ${at} -p '{"spec":{"suspend":true}}'`) : null
    case 'terminate':
      return node.group === 'batch' ? kubectl(node, `patch ${at} -p '{"spec":{"activeDeadlineSeconds":1}}'`) : null
    case 'scale':
      return kubectl(node, `scale ${at} --replicas=${values['replicas'] || 'N'}`)
    case 'create-job':
      return kubectl(node, `create job NAME --from=${at}`)
    default:
      return null
  }
}

export function removalOf(node: Node, how: Removal): string {
  return kubectl(node, `delete ${target(node)} --cascade=${how}`)
}
