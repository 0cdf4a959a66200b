import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useId, useRef } from 'react'
import { useWords } from '@/shared/words'
import { Card } from './card'
import styles from './list.module.css'
import type { TreeView } from './rows'
import { words } from './words'

const ROW_PX = 54
const INDENT_PX = 14

/** The tree as an indented list, for where there is no room for a drawing. */
export function TreeList({ tree }: { tree: TreeView }) {
  const say = useWords(words)
  const name = useId()
  const frame = useRef<HTMLDivElement>(null)
  const { rows, at } = tree
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => rows[index]?.branch.id ?? index,
    overscan: 10,
    initialRect: { width: 360, height: 600 },
  })
  useEffect(() => {
    if (at > 0) virtual.scrollToIndex(at, { align: 'auto' })
  }, [at, virtual])
  return (
    <div
      ref={frame}
      role="tree"
      tabIndex={0}
      aria-label={say('tree')}
      aria-activedescendant={`${name}-${at}`}
      className={styles['frame']}
      onKeyDown={(event) => tree.onKey(event) && event.preventDefault()}
    >
      <div role="presentation" className={styles['all']} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index]
          if (!row) return null
          return (
            <Card
              key={item.key}
              id={`${name}-${item.index}`}
              row={row}
              isFocused={item.index === at}
              isChosen={row.branch.id === tree.chosen && row.branch.id !== ''}
              pulses={tree.pulseOf(row.branch.id)}
              canExpand={tree.canExpand(row.branch)}
              style={{
                position: 'absolute',
                top: item.start,
                left: row.depth * INDENT_PX,
                right: 14,
                height: ROW_PX - 6,
              }}
              onToggle={() => tree.onToggle(row)}
              onOpen={() => tree.onOpen(row)}
            />
          )
        })}
      </div>
    </div>
  )
}
