import { GitCompareArrows, Pin } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Link } from 'react-router'
import { useAddress } from '@/shared/address'
import { applicationPlace } from '@/shared/api/search'
import { useExported } from '@/shared/exporting'
import { Button, Empty, Loaded, Page, Status } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { type App, type Board, type Cell, useBoard } from './api'
import { changedImages, environmentBefore, shortName, versionOfImage } from './drift'
import styles from './page.module.css'
import { words } from './words'

const FIRST = 100
const MOST = 1000
const PAUSE_MS = 200

export function Component() {
  const say = useWords(words)
  const { params: parameters, put } = useAddress()
  const search = parameters.get('q') ?? ''
  const isOnlyDrift = parameters.get('drift') === '1'
  const [limit, setLimit] = useState(FIRST)
  const board = useBoard(search, limit)
  useExported('environments', board.data?.apps)
  return (
    <Page title={say('title')} lead={say('lead')}>
      <div className={styles['bar']}>
        <SearchField value={search} onChange={(text) => put({ q: text.trim() })} />
        <label>
          <input
            type="checkbox"
            checked={isOnlyDrift}
            onChange={(event) => put({ drift: event.target.checked ? '1' : '' })}
          />{' '}
          {say('only-drift')}
        </label>
      </div>
      <Loaded query={board}>
        {(found) => (
          <>
            <Apps board={found} isOnlyDrift={isOnlyDrift} isSearched={search !== ''} />
            {found.total > found.apps.length && limit < MOST && (
              <p className={styles['more']}>
                {say('shown', { shown: found.apps.length, total: found.total })}{' '}
                <Button onClick={() => setLimit(Math.min(MOST, limit * 3))}>{say('show-more')}</Button>
              </p>
            )}
          </>
        )}
      </Loaded>
    </Page>
  )
}

function SearchField({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const say = useWords(words)
  const [text, setText] = useState(value)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the pause begins anew with what is typed, not with each drawing.
  useEffect(() => {
    if (text.trim() === value) return
    const timer = setTimeout(() => onChange(text), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text, value])
  return (
    <input
      type="search"
      aria-label={say('search')}
      placeholder={say('search')}
      value={text}
      autoComplete="off"
      onChange={(event) => setText(event.target.value)}
    />
  )
}

function Apps({ board, isOnlyDrift, isSearched }: { board: Board; isOnlyDrift: boolean; isSearched: boolean }) {
  const say = useWords(words)
  const apps = board.apps.filter((app) => app.drift || !isOnlyDrift)
  if (apps.length === 0) {
    return isSearched || isOnlyDrift ? (
      <Empty title={say('none-found')} />
    ) : (
      <Empty title={say('none')}>
        <p>{say('none-hint')}</p>
      </Empty>
    )
  }
  const environments = board.environments.filter((name) => apps.some((app) => app.cells[name]))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reached by keyboard.
    <section className={styles['frame']} aria-label={say('title')} tabIndex={0}>
      <table className={styles['board']}>
        <thead>
          <tr>
            <th scope="col">{say('app')}</th>
            {environments.map((name) => (
              <th key={name} scope="col" title={name ? undefined : say('no-environment-hint')}>
                {name || say('no-environment')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {apps.map((app) => (
            <tr key={app.name}>
              <th scope="row">
                <AppHead app={app} />
              </th>
              {environments.map((name) => (
                <td key={name} data-label={name || say('no-environment')} data-empty={!app.cells[name] || undefined}>
                  <CellBox app={app} environments={environments} environment={name} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function AppHead({ app }: { app: App }) {
  const say = useWords(words)
  return (
    <>
      <span className={styles['name']}>{app.name}</span>
      {app.partOf && <span className={styles['part']}>{say('part-of', { name: app.partOf })}</span>}
      {app.drift && (
        <span className={styles['drift']} title={say('drift-hint')}>
          <GitCompareArrows size={14} aria-hidden /> {say('drift')}
        </span>
      )}
    </>
  )
}

function CellBox({
  app,
  environments,
  environment,
}: {
  app: App
  environments: readonly string[]
  environment: string
}) {
  const say = useWords(words)
  const cell = app.cells[environment]
  if (!cell) {
    return (
      <span className={styles['nothing']}>
        <span aria-hidden>–</span>
        <span className="visually-hidden">
          {say('not-here', { environment: environment || say('no-environment') })}
        </span>
      </span>
    )
  }
  const before = environmentBefore(app, environments, environment)
  return (
    <>
      <Deployed cell={cell} before={before} changed={changedImages(cell, before ? app.cells[before] : undefined)} />
      {cell.more.length > 0 && (
        <details className={styles['others']}>
          <summary>{say('more', { n: cell.more.length })}</summary>
          {cell.more.map((each) => (
            <Deployed key={`${each.namespace}/${each.application}`} cell={{ ...each, more: [] }} changed={new Set()} />
          ))}
        </details>
      )}
    </>
  )
}

function Deployed({
  cell,
  before,
  changed,
}: {
  cell: Cell
  before?: string | undefined
  changed: ReadonlySet<string>
}) {
  const say = useWords(words)
  const differs = before ? say('differs', { environment: before }) : ''
  const revision = /^[0-9a-f]{40,}$/.test(cell.revision) ? cell.revision.slice(0, 7) : cell.revision
  return (
    <div className={styles['cell']}>
      <span className={styles['marks']}>
        <Status value={cell.health} variant="icon" />
        <Status value={cell.sync} variant="icon" />
        <Link to={applicationPlace({ namespace: cell.namespace, name: cell.application })} title={cell.why?.text}>
          {cell.application}
        </Link>
        {cell.pinned && (
          <span title={say('pinned')} className={styles['pin']}>
            <Pin size={14} aria-hidden />
            <span className="visually-hidden">{say('pinned')}</span>
          </span>
        )}
      </span>
      <ul className={styles['images']}>
        {cell.images.map((image) => (
          <li key={image} title={image} data-changed={changed.has(image) || undefined}>
            <span className={styles['image']}>{shortName(image)}</span>{' '}
            <strong className={styles['version']}>{versionOfImage(image)}</strong>
            {changed.has(image) && (
              <span title={differs} className={styles['differs']}>
                <GitCompareArrows size={14} aria-hidden />
                <span className="visually-hidden">{differs}</span>
              </span>
            )}
          </li>
        ))}
      </ul>
      <code className={styles['revision']} title={cell.revision}>
        {revision || '–'} {cell.targetRevision}
      </code>
    </div>
  )
}
