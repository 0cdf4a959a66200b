import { ChevronRight, Group as GroupIcon, Minus, Plus } from 'lucide-react'
import type { CSSProperties } from 'react'
import { Ago, Status, toneOf } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { Badges } from '../badges'
import { KindIcon } from '../kind-icon'
import { healthOf, whyOf } from '../nodes'
import type { Branch } from './branches'
import styles from './card.module.css'
import type { Row } from './folding'
import { words } from './words'

export interface CardProps {
  row: Row
  id: string
  isFocused: boolean
  isChosen: boolean
  /** The pulse it is in, 0 for none: a new number makes it pulse once. */
  pulses: number
  /** An application whose objects can be shown in place and are not yet. */
  canExpand: boolean
  style?: CSSProperties
  onToggle: () => void
  onOpen: () => void
}

/** One row of the tree: what it is, how it does and why; the same in the drawing and in the list. */
export function Card({ row, id, isFocused, isChosen, pulses, canExpand, style, onToggle, onOpen }: CardProps) {
  const say = useWords(words)
  const { branch } = row
  const tone = toneOf(healthWord(branch))
  const pulse = pulses === 0 ? '' : pulses % 2 === 0 ? styles['pulse'] : styles['pulse-again']
  const isClosed = branch.children.length > 0 && !row.isOpen
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree has the focus and handles keys for its items.
    // biome-ignore lint/a11y/useFocusableInteractive: see above.
    <div
      id={id}
      role="treeitem"
      aria-level={row.depth + 1}
      aria-setsize={row.siblings}
      aria-posinset={row.position}
      aria-expanded={branch.children.length > 0 ? row.isOpen : canExpand ? false : undefined}
      aria-selected={isChosen}
      data-tone={healthWord(branch) === 'none' ? undefined : tone}
      className={[
        styles['card'],
        styles[branch.type],
        isFocused && styles['focused'],
        isChosen && styles['chosen'],
        !row.isMatch && styles['dim'],
        isClosed && styles['closed'],
        (canExpand || branch.children.length > 0) && styles['foldable'],
        pulse,
      ]
        .filter(Boolean)
        .join(' ')}
      style={style}
      onClick={onOpen}
    >
      <span className={styles['icon']}>
        {branch.type === 'group' ? (
          <GroupIcon size={18} aria-hidden />
        ) : (
          <KindIcon kind={branch.node?.kind ?? 'Application'} size={18} />
        )}
      </span>
      <span className={styles['text']}>
        <span className={styles['name']} title={branch.node?.name ?? branch.label}>
          {branch.node && <span className="visually-hidden">{branch.node.kind} </span>}
          {groupLabel(branch, say)}
        </span>
        <Detail branch={branch} isClosed={isClosed} />
      </span>
      <span className={styles['marks']}>
        {branch.node?.sync && <Status value={branch.node.sync} variant="icon" />}
        {healthWord(branch) !== 'none' && <Status value={healthWord(branch)} variant="icon" />}
      </span>
      {(canExpand || (branch.children.length > 0 && row.depth > 0)) && (
        <button
          type="button"
          tabIndex={-1}
          className={styles['fold']}
          aria-label={say(canExpand ? 'expand' : row.isOpen ? 'close' : 'open', { name: branch.label })}
          onClick={(event) => {
            event.stopPropagation()
            onToggle()
          }}
        >
          {row.isOpen ? <Minus size={12} aria-hidden /> : <Plus size={12} aria-hidden />}
          {isClosed && <span>{branch.type === 'group' ? branch.size : branch.size - 1}</span>}
        </button>
      )}
    </div>
  )
}

function Detail({ branch, isClosed }: { branch: Branch; isClosed: boolean }) {
  const say = useWords(words)
  const { node } = branch
  if (!node) {
    const text = say('objects', { n: branch.size })
    return (
      <span className={styles['detail']}>
        {branch.unwell > 0 ? `${text}, ${say('unwell', { n: branch.unwell })}` : text}
      </span>
    )
  }
  const why = whyOf(node)
  if (why) {
    return (
      <span className={`${styles['detail']} ${styles['why']}`} title={why}>
        {why}
      </span>
    )
  }
  const isHiding = isClosed && branch.unwell > 0
  return (
    <span className={styles['detail']}>
      <Badges node={node} />
      <span className={styles['kind']} aria-hidden>
        {node.kind}
      </span>
      {node.createdAt && !isHiding && <Ago at={node.createdAt} />}
      {!node.uid && <span>{say('absent')}</span>}
      {isHiding && <strong className={styles['hiding']}>{say('unwell', { n: branch.unwell })}</strong>}
    </span>
  )
}

/** How a branch does by its own word; a group by its worst, an object without a check has none. */
export function healthWord(branch: Branch): string {
  if (!branch.node) return branch.worst
  return healthOf(branch.node) ?? 'none'
}

type Say = (key: keyof (typeof words)['en'], parameters?: Record<string, string | number>) => string

function groupLabel(branch: Branch, say: Say): string {
  if (branch.type !== 'group') return branch.label
  return branch.id.includes('#wave:') ? say('wave', { n: branch.label }) : branch.label
}

/** Where in an application of applications one is. */
export function Trail({ names }: { names: readonly string[] }) {
  return (
    <span className={styles['trail']}>
      {names.map((name, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a trail is a path: places are what they are.
        <span key={index}>
          {index > 0 && <ChevronRight size={13} aria-hidden />}
          {name}
        </span>
      ))}
    </span>
  )
}
