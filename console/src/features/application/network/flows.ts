/** Who reaches whom, as ways from the outside in: entries, the Service they lead to, its Pods. Pure. */

export interface NetworkNode {
  uid: string
  kind: string
  namespace: string
  name: string
  addresses: string[]
  ports: string[]
  type: string
}

export interface Network {
  nodes: NetworkNode[]
  edges: { from: string; to: string; label: string; name: string }[]
}

export interface Entry {
  ingress: NetworkNode
  /** Host and path of a rule. */
  label: string
}

export interface Flow {
  service: NetworkNode
  entries: Entry[]
  pods: NetworkNode[]
}

export interface Flows {
  flows: Flow[]
  /** Entries that lead to something which is not of the application, with its name. */
  lost: (Entry & { name: string })[]
  /** Pods that no Service leads to. */
  unreached: NetworkNode[]
}

export function flowsOf({ nodes, edges }: Network): Flows {
  const byUid = new Map(nodes.map((node) => [node.uid, node]))
  const of = (kind: string) => nodes.filter((node) => node.kind === kind).sort(byName)
  const entries = edges.flatMap((edge) => {
    const ingress = byUid.get(edge.from)
    return ingress?.kind === 'Ingress' ? [{ ingress, label: edge.label, to: edge.to, name: edge.name }] : []
  })
  const reached = new Set<string>()
  const flows = of('Service').map((service) => {
    const pods = edges
      .filter((edge) => edge.from === service.uid)
      .flatMap((edge) => byUid.get(edge.to) ?? [])
      .sort(byName)
    for (const pod of pods) reached.add(pod.uid)
    return {
      service,
      entries: entries.filter((each) => each.to === service.uid).map(({ ingress, label }) => ({ ingress, label })),
      pods,
    }
  })
  return {
    flows,
    lost: entries.filter((each) => !byUid.has(each.to)).map(({ ingress, label, name }) => ({ ingress, label, name })),
    unreached: of('Pod').filter((pod) => !reached.has(pod.uid)),
  }
}

function byName(a: NetworkNode, b: NetworkNode): number {
  return `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1
}
