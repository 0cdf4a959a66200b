import { GitCommitHorizontal } from 'lucide-react'
import { useState } from 'react'
import { Ago, Button, useDuration } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { type Application, authorName, pinOf, revisionsOf, shortRevision } from '../model'
import { objectKey, objectText } from '../objects'
import { useMayHere } from '../queries'
import type { Release } from './api'
import styles from './releases.module.css'
import { imagesOf } from './rollback'
import { words } from './words'

/** The releases as a list; two that are ticked may be compared. */
export function Releases({
  application,
  items,
  onRollback,
  onCompare,
}: {
  application: Application
  items: readonly Release[]
  onRollback: (id: number) => void
  onCompare: (pair: string) => void
}) {
  const say = useWords(words)
  const [ticked, setTicked] = useState<readonly number[]>([])
  const { may, permission } = useMayHere(application, 'rollback')
  const running = runningOf(application, items)
  const [older, newer] = [...ticked].sort((a, b) => a - b)
  // A third tick lets the first go: two are compared.
  const tick = (id: number) =>
    setTicked(ticked.includes(id) ? ticked.filter((each) => each !== id) : [...ticked.slice(-1), id])
  return (
    <div className={styles['history']}>
      <div className={styles['toolbar']}>
        {older !== undefined && newer !== undefined ? (
          <Button look="primary" onClick={() => onCompare(`${older}..${newer}`)}>
            {say('compare-two', { from: older, to: newer })}
          </Button>
        ) : older !== undefined ? (
          <Button onClick={() => onCompare(`${older}..now`)}>{say('compare-now')}</Button>
        ) : (
          <span>{say('compare-hint')}</span>
        )}
      </div>
      <ol className={styles['list']} aria-label={say('releases')}>
        {items.map((release, index) => (
          <Item
            key={release.id}
            release={release}
            before={items[index + 1]}
            isRunning={release.id === running}
            isPinned={pinOf(application)?.id === release.id}
            isTicked={ticked.includes(release.id)}
            onTick={() => tick(release.id)}
            onRollback={() => onRollback(release.id)}
            lack={may === false ? say('lacks-permission', { permission }) : undefined}
          />
        ))}
      </ol>
    </div>
  )
}

/** The newest release of the revisions that run now. */
function runningOf(application: Application, items: readonly Release[]): number | undefined {
  const revisions = revisionsOf(application.status?.sync).join()
  return items.find((each) => each.revisions.join() === revisions)?.id
}

function Item({
  release,
  before,
  isRunning,
  isPinned,
  isTicked,
  onTick,
  onRollback,
  lack,
}: {
  release: Release
  before: Release | undefined
  isRunning: boolean
  isPinned: boolean
  isTicked: boolean
  onTick: () => void
  onRollback: () => void
  lack: string | undefined
}) {
  const say = useWords(words)
  const { id, commit, revisions } = release
  return (
    <li className={`${styles['release']} ${isRunning ? styles['running'] : ''}`}>
      <label className={styles['tick']}>
        <input
          type="checkbox"
          checked={isTicked}
          onChange={onTick}
          aria-label={say('compare-choose', { id })}
          title={say('compare')}
        />
        <span>#{id}</span>
      </label>
      <div className={styles['body']}>
        <p className={styles['message']}>
          <strong>{commit?.message || say('no-commit')}</strong>
          {isRunning && <span className={styles['badge']}>{say('current')}</span>}
          {isPinned && <span className={`${styles['badge']} ${styles['pin']}`}>{say('pinned')}</span>}
        </p>
        <Made release={release} />
        <Images release={release} before={before} />
        <Changed release={release} />
      </div>
      <div className={styles['side']}>
        <span className={styles['revision']} title={revisions.join('\n')}>
          <GitCommitHorizontal size={14} aria-hidden />
          <code>{revisions.map(shortRevision).join(', ')}</code>
        </span>
        <Button reason={lack ?? (isRunning ? say('rollback-current') : undefined)} onClick={onRollback}>
          {say('rollback')}
        </Button>
      </div>
    </li>
  )
}

/** Who wrote the commit, who or what brought it to the cluster, when, in what time. */
function Made({ release }: { release: Release }) {
  const say = useWords(words)
  const duration = useDuration()
  const author = release.commit && authorName(release.commit.author)
  return (
    <p className={styles['facts']}>
      <Ago at={release.deployedAt} />
      {author && <span>{say('author', { author })}</span>}
      <span>{release.automated ? say('by-automation') : say('by-user', { who: release.who || '–' })}</span>
      {release.seconds !== null && <span>{say('took', { time: duration(release.seconds) })}</span>}
    </p>
  )
}

function Images({ release, before }: { release: Release; before: Release | undefined }) {
  const say = useWords(words)
  const { same, came } = imagesOf(release.images, before?.images)
  if (release.images === null) return <p className={styles['facts']}>{say('unknown')}</p>
  if (same.length + came.length === 0) return null
  return (
    <ul className={styles['images']} aria-label={say('images')}>
      {came.map((image) => (
        <li key={image} className={styles['came']}>
          <code>{image}</code>
        </li>
      ))}
      {before?.images && came.length > 0 && same.length > 2 ? (
        <li>{say('images-same', { count: same.length })}</li>
      ) : (
        same.map((image) => (
          <li key={image}>
            <code>{image}</code>
          </li>
        ))
      )}
    </ul>
  )
}

function Changed({ release }: { release: Release }) {
  const say = useWords(words)
  if (release.changed === null) return null
  if (release.changed.length === 0) return <p className={styles['facts']}>{say('changed-none')}</p>
  return (
    <details className={styles['changed']}>
      <summary>{say('changed', { count: release.changed.length })}</summary>
      <ul>
        {release.changed.map((each) => (
          <li key={objectKey(each)}>
            {objectText(each)} <span>{say(`change-${each.change}`)}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}
