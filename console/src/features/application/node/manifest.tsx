import { useMemo } from 'react'
import { useAddress } from '@/shared/address'
import type { AppRef } from '@/shared/api/types'
import { CommandHint, CopyButton, Empty, Loaded } from '@/shared/ui'
import { useWords } from '@/shared/words'
import type { Node } from '../nodes'
import { type Manifest, useLive, useManaged } from './api'
import { diffLines } from './lines'
import styles from './panel.module.css'
import { words } from './words'
import { toYaml } from './yaml'

const VIEWS = ['live', 'desired', 'diff'] as const
type ViewName = (typeof VIEWS)[number]

/** The manifest: as it lives, as Git wants it, and what a sync would change of it. Secrets come masked. */
export function ManifestView({ app, node }: { app: AppRef; node: Node }) {
  const say = useWords(words)
  const { params, put } = useAddress()
  const isDeclared = node.sync !== null
  const views = VIEWS.filter((each) => (each === 'live' ? node.uid !== '' : isDeclared))
  const view = views.find((each) => each === params.get('show')) ?? views[0] ?? 'live'
  const showsAll = params.get('fields') === 'all'
  return (
    <div className={styles['manifest']}>
      <div className={styles['tools']}>
        <fieldset className={styles['choice']} aria-label={say('manifest')}>
          {views.map((each) => (
            <label key={each}>
              <input type="radio" name="manifest" checked={each === view} onChange={() => put({ show: each })} />
              {say(`show-${each}`)}
            </label>
          ))}
        </fieldset>
        {view === 'live' && (
          <label className={styles['check']}>
            <input
              type="checkbox"
              checked={!showsAll}
              onChange={(event) => put({ fields: event.target.checked ? '' : 'all' })}
            />
            {say('hide-managed')}
          </label>
        )}
      </div>
      {view === 'live' ? (
        <Live app={app} node={node} showsAll={showsAll} />
      ) : (
        <Declared app={app} node={node} view={view} />
      )}
      <CommandHint
        cli={`kubectl${node.namespace ? ` -n ${node.namespace}` : ''} get ${node.kind.toLowerCase()} ${node.name} -o yaml`}
        api={`GET /api/v1/applications/${app.name}/resource`}
      />
    </div>
  )
}

function Live({ app, node, showsAll }: { app: AppRef; node: Node; showsAll: boolean }) {
  const live = useLive(app, node)
  return (
    <Loaded query={live}>{(manifest) => <Yaml text={toYaml(showsAll ? manifest : withoutManaged(manifest))} />}</Loaded>
  )
}

/** Without the book-keeping of who wrote which field. */
export function withoutManaged(manifest: Manifest): Manifest {
  const { managedFields: _, ...metadata } = manifest.metadata ?? {}
  return { ...manifest, metadata }
}

function Declared({ app, node, view }: { app: AppRef; node: Node; view: Exclude<ViewName, 'live'> }) {
  const say = useWords(words)
  const managed = useManaged(app, node, true)
  return (
    <Loaded query={managed}>
      {(found) => {
        if (!found?.targetState || found.targetState === 'null') {
          return <Empty title={say('not-declared')}>{say('not-declared-text')}</Empty>
        }
        if (view === 'desired') return <Yaml text={yamlOf(found.targetState)} />
        return <Changes before={yamlOf(found.normalizedLiveState)} after={yamlOf(found.predictedLiveState)} />
      }}
    </Loaded>
  )
}

function yamlOf(json: string | undefined): string {
  const value = JSON.parse(json || 'null') as Manifest | null
  return value ? toYaml(withoutManaged(value)) : ''
}

function Yaml({ text }: { text: string }) {
  const say = useWords(words)
  return (
    <div className={styles['yaml']}>
      <span className={styles['copy']}>
        <CopyButton text={text} />
      </span>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reached by keyboard. */}
      <section tabIndex={0} aria-label={say('manifest')}>
        <pre>{text}</pre>
      </section>
    </div>
  )
}

const MARKS = { same: ' ', added: '+', removed: '−' }

function Changes({ before, after }: { before: string; after: string }) {
  const say = useWords(words)
  const lines = useMemo(() => diffLines(before, after), [before, after])
  if (lines.every((line) => line.type === 'same')) return <Empty title={say('same')} />
  return (
    <div className={styles['yaml']}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above. */}
      <section tabIndex={0} aria-label={say('show-diff')}>
        <pre>
          {lines.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines of one comparison never move.
            <span key={index} className={styles[line.type]}>
              {`${MARKS[line.type]} ${line.text}\n`}
            </span>
          ))}
        </pre>
      </section>
    </div>
  )
}
