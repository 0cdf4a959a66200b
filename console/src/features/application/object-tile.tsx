import type { ReactNode } from 'react'
import { Status } from '@/shared/ui'
import { KindIcon } from './kind-icon'
import { healthOf, type Node, nodeKey } from './nodes'
import styles from './object-tile.module.css'
import { Tile } from './tile'

/** Objects of the tree by their uids. */
export type Known = ReadonlyMap<string, Node>

export function knownOf(nodes: readonly Node[] | undefined): Known {
  return new Map((nodes ?? []).map((node) => [node.uid, node]))
}

/** An object by its kind and name, with what is to be said of it; one of the tree is opened by a press. */
export function ObjectTile({
  node,
  known,
  children,
}: {
  node: { uid: string; kind: string; name: string }
  known: Known
  children?: ReactNode
}) {
  const object = node.uid ? known.get(node.uid) : undefined
  const health = object ? healthOf(object) : null
  return (
    <Tile of={object ? nodeKey(object) : null}>
      <span className={styles['thing']}>
        <KindIcon kind={node.kind} />
        <span className={styles['text']}>
          <span className={styles['quiet']}>{node.kind}</span>
          <strong>{node.name}</strong>
          {children && <span className={styles['quiet']}>{children}</span>}
        </span>
        {health && <Status value={health} variant="icon" />}
      </span>
    </Tile>
  )
}
