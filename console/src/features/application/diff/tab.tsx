import { useState } from 'react'
import { useSearchParams } from 'react-router'
import { useExported } from '@/shared/exporting'
import { CommandHint, Empty, Loaded } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Application } from '../model'
import type { Difference } from '../sync/plan'
import { type Differing, useDiff } from './api'
import { IgnoreDialog } from './ignore-dialog'
import { CONTEXTS, useLayout } from './layout'
import { DifferingObjects, type ShownObject, type Sides } from './objects'
import styles from './tab.module.css'
import { words } from './words'

/** What differs between cluster and Git, one object at a time; which object and how it is shown stand in the URL. */
export function DiffTab({ application }: { application: Application }) {
  const say = useWords(words)
  const [params] = useSearchParams()
  const revision = params.get('revision') ?? ''
  const { name, namespace } = application.metadata
  const diff = useDiff(application.metadata, revision)
  useExported(`${name}-diff`, diff.data)
  const [ignored, setIgnored] = useState<{ object: ShownObject; difference: Difference } | null>(null)
  const sides: Sides = {
    left: say('live'),
    right: revision || say('wanted'),
    states: { changed: say('state-changed'), missing: say('state-missing'), extra: say('state-extra') },
  }
  const asked = revision ? ` --revision ${revision}` : ''
  return (
    <div className={styles['tab']}>
      <Toolbar />
      <Loaded query={diff}>
        {(items) =>
          items.length === 0 ? (
            <Empty title={say('in-sync')}>
              <p>{revision ? say('in-sync-at', { revision }) : say('in-sync-text')}</p>
            </Empty>
          ) : (
            <DifferingObjects
              items={items.map(shownOf)}
              sides={sides}
              onIgnore={(object, difference) => setIgnored({ object, difference })}
            />
          )
        }
      </Loaded>
      {ignored && <IgnoreDialog application={application} {...ignored} onClose={() => setIgnored(null)} />}
      <CommandHint
        cli={`haori app diff ${name}${asked}`}
        api={`GET /api/haori/v1/applications/${name}/diff?appNamespace=${namespace}${revision && `&revision=${revision}`}`}
      />
    </div>
  )
}

/** One of `items` as the list shows it. */
function shownOf(item: Differing): ShownObject {
  return { ...item, state: item.missing ? 'missing' : item.extra ? 'extra' : 'changed' }
}

/** How it is shown, and what with. */
function Toolbar() {
  const say = useWords(words)
  const { isSplit, context, revision, put } = useLayout()
  const [typed, setTyped] = useState(revision)
  return (
    <div className={styles['toolbar']}>
      <label>
        {say('layout')}
        <select value={isSplit ? 'split' : 'unified'} onChange={(event) => put({ layout: event.target.value })}>
          <option value="split">{say('split')}</option>
          <option value="unified">{say('unified')}</option>
        </select>
      </label>
      <label>
        {say('context')}
        <select value={context} onChange={(event) => put({ context: event.target.value })}>
          {CONTEXTS.map((each) => (
            <option key={each} value={each}>
              {each === 'all' ? say('context-all') : say('context-lines', { count: each })}
            </option>
          ))}
        </select>
      </label>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          put({ revision: typed.trim() })
        }}
      >
        <label>
          {say('revision')}
          <input
            type="search"
            value={typed}
            placeholder={say('revision-placeholder')}
            onChange={(event) => {
              setTyped(event.target.value)
              if (event.target.value === '') put({ revision: '' })
            }}
          />
        </label>
      </form>
    </div>
  )
}
