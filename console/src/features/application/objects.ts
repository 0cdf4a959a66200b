/** Names of Kubernetes objects. */

export interface ObjectName {
  group: string
  kind: string
  namespace: string
  name: string
}

/** One object of one cluster as a key; absent parts (as Argo CD's wire leaves out what is empty) are empty. */
export function objectKey({ group, kind, namespace, name }: Partial<ObjectName>): string {
  return [group ?? '', kind ?? '', namespace ?? '', name ?? ''].join('/')
}

/** As people and the server's sentences write it: `Deployment shop/web`. */
export function objectText({ kind, namespace, name }: ObjectName): string {
  return namespace ? `${kind} ${namespace}/${name}` : `${kind} ${name}`
}

/** The object of such a text; its group is not told. */
export function parseObjectText(text: string): Omit<ObjectName, 'group'> | null {
  const match =
    /^(?<kind>[A-Z][A-Za-z0-9]*)(?:\.[a-z0-9.-]+)? (?:(?<namespace>[a-z0-9.-]+)\/)?(?<name>[a-z0-9.:-]+)$/.exec(text)
  const groups = match?.groups
  return groups
    ? { kind: groups['kind'] ?? '', namespace: groups['namespace'] ?? '', name: groups['name'] ?? '' }
    : null
}
