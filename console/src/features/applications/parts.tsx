/** Small things that every look of the list shows. */
import { Pin } from 'lucide-react'
import type { Row } from '@/shared/api/types'
import { Status } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Counts } from './api'
import styles from './parts.module.css'
import { words } from './words'

const WORST_FIRST = ['Degraded', 'Missing', 'Unknown', 'Progressing', 'Suspended', 'Healthy', 'OutOfSync', 'Synced']

/** How many are in which state, the worst first; what nobody is in is left out, what nobody knows stands first. */
export function countsInOrder(counts: Counts): [string, number][] {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort(([one], [other]) => WORST_FIRST.indexOf(one) - WORST_FIRST.indexOf(other))
}

/** A bar of shares and the figures beside it; figures have marks, so that nothing hangs on colours. */
export function HealthCounts({ counts }: { counts: Counts }) {
  const found = countsInOrder(counts)
  return (
    <span className={styles['counts']}>
      <span className={styles['bar']} aria-hidden>
        {[...found].reverse().map(([word, count]) => (
          <span key={word} className={styles['share']} data-status={word} style={{ flexGrow: count }} />
        ))}
      </span>
      {found.map(([word, count]) => (
        <span key={word} className={styles['count']}>
          <Status value={word} variant="icon" />
          {count.toLocaleString()}
        </span>
      ))}
    </span>
  )
}

const NOTABLE = new Set(['Running', 'Failed', 'Error', 'Terminating'])

/** What is special about a row: held at a revision, a sync under way or failed. */
export function Marks({ row }: { row: Row }) {
  const say = useWords(words)
  return (
    <>
      {row.pinned && (
        <span className={styles['pin']} title={say('pinned')}>
          <Pin size={14} aria-hidden />
          <span className="visually-hidden">{say('pinned')}</span>
        </span>
      )}
      {NOTABLE.has(row.phase) && (
        <span className={styles['phase']}>
          <span className="visually-hidden">{say('last-sync')}: </span>
          <Status value={row.phase} variant="chip" />
        </span>
      )}
    </>
  )
}

/** Why the row is not as wanted; where all is well, what it is and where it runs. */
export function WhyLine({ row }: { row: Row }) {
  if (row.why && !(row.sync === 'Synced' && row.health === 'Healthy')) {
    return (
      <span className={styles['why']} title={row.why.text}>
        {row.why.text}
      </span>
    )
  }
  const place = row.destinationNamespace ? `${row.cluster} / ${row.destinationNamespace}` : row.cluster
  const text = `${row.project} · ${place}`
  return (
    <span className={styles['place']} title={text}>
      {text}
    </span>
  )
}

/** Revisions as people read them: of several sources, each. */
export function Revision({ value }: { value: string }) {
  if (!value) return <span>–</span>
  return (
    <code title={value} className={styles['revision']}>
      {value.split(',').map(shortRevision).join(', ')}
    </code>
  )
}

/** A commit by its first letters; versions of charts as they are. */
export function shortRevision(revision: string): string {
  return /^[0-9a-f]{40,64}$/.test(revision) ? revision.slice(0, 7) : revision
}

/** An image without its registry, which rarely tells anything. */
export function shortImage(image: string): string {
  const digest = image.indexOf('@sha256:')
  const plain = digest < 0 ? image : `${image.slice(0, digest)}@${image.slice(digest + 8, digest + 15)}`
  return plain.slice(plain.lastIndexOf('/') + 1)
}

/** The first image and how many more there are; where room lacks its name gives way, not its tag. */
export function Images({ images }: { images: readonly string[] }) {
  const say = useWords(words)
  if (images.length === 0) return <span>–</span>
  const [, name, tag] = /^([^:@]*)(.*)$/.exec(shortImage(images[0] ?? '')) ?? []
  return (
    <span title={images.join('\n')} className={styles['images']}>
      <span className={styles['image']}>{name}</span>
      <span className={styles['tag']}>{tag}</span>
      {images.length > 1 && <span className={styles['more']}>{say('more', { n: images.length - 1 })}</span>}
    </span>
  )
}
