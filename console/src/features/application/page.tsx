import { AlertTriangle, WifiOff } from 'lucide-react'
import { Suspense, useMemo, useState } from 'react'
import { Link, Navigate, useLocation, useNavigate, useParams } from 'react-router'
import type { StreamState } from '@/shared/api/stream'
import type { AppRef } from '@/shared/api/types'
import { useCommands } from '@/shared/commands'
import { Empty, Loaded, Loading, Page, Tabs } from '@/shared/ui'
import { useLanguage, useWords } from '@/shared/words'
import { Actions } from './actions/actions'
import { PinBanner } from './actions/pin'
import { isGone, useApplication, useApplicationStream } from './application'
import { Facts } from './header'
import styles from './header.module.css'
import { type Application, conditionsBesideWhy } from './model'
import { NodePanel } from './node/panel'
import { AppContext } from './reference'
import { FIRST_TAB, TABS, type TabEntry, tabOf } from './tabs'
import { Why } from './why/why'
import { words } from './words'

/** One application: what it is and how it does above, one of its views below. */
export function Component() {
  const { namespace = '', name = '' } = useParams()
  const app = useMemo<AppRef>(() => ({ namespace, name }), [namespace, name])
  return (
    <AppContext value={app} key={`${namespace}/${name}`}>
      <ApplicationPage app={app} />
    </AppContext>
  )
}

function ApplicationPage({ app }: { app: AppRef }) {
  const say = useWords(words)
  const query = useApplication(app)
  const stream = useApplicationStream(app)
  if (isGone(query.error)) {
    return (
      <Page title={app.name}>
        <Empty title={say('gone')}>
          <p>{say('gone-text')}</p>
          <Link to="/applications">{say('applications')}</Link>
        </Empty>
      </Page>
    )
  }
  return (
    <Page
      title={app.name}
      lead={query.data && <Facts application={query.data} />}
      actions={query.data && <Actions application={query.data} />}
    >
      <Loaded query={query}>
        {(application) => (
          <>
            <PinBanner application={application} />
            <Why application={application} />
            <Banners application={application} stream={stream} />
            <Views app={app} application={application} />
          </>
        )}
      </Loaded>
    </Page>
  )
}

/** What everybody should know before reading on. */
function Banners({ application, stream }: { application: Application; stream: StreamState }) {
  const say = useWords(words)
  const conditions = conditionsBesideWhy(application)
  const isDeleting = Boolean(application.metadata.deletionTimestamp)
  if (conditions.length === 0 && !isDeleting && stream !== 'lost') return null
  return (
    <ul className={styles['notes']} aria-label={say('conditions')}>
      {stream === 'lost' && (
        <li className={styles['note']}>
          <WifiOff size={16} aria-hidden />
          <span role="status">{say('lost')}</span>
        </li>
      )}
      {isDeleting && (
        <li className={styles['note']}>
          <AlertTriangle size={16} aria-hidden />
          {say('deleting')}
        </li>
      )}
      {conditions.map((condition) => (
        <li
          key={`${condition.type} ${condition.message}`}
          className={`${styles['note']} ${condition.type.endsWith('Error') ? styles['bad'] : ''}`}
        >
          <AlertTriangle size={16} aria-hidden />
          <span>
            <strong>{condition.type}</strong> {condition.message}
          </span>
        </li>
      ))}
    </ul>
  )
}

function Views({ app, application }: { app: AppRef; application: Application }) {
  const say = useWords(words)
  const language = useLanguage()
  const navigate = useNavigate()
  const { search } = useLocation()
  const { tab } = useParams()
  const current = tabOf(tab)
  // What is chosen stays chosen in every view; an open panel would hide the view that was asked for.
  const place = (id: string) => `/applications/${app.namespace}/${app.name}/${id}${keptOf(search)}`
  useCommands(
    TABS.map((each) => ({
      id: `app tab ${each.id}`,
      title: say('go-tab', { tab: each.label[language] }),
      group: say('group'),
      keys: each.keys,
      run: () => void navigate(place(each.id)),
    })),
  )
  if (!current) return <Navigate to={place(FIRST_TAB)} replace />
  return (
    <>
      <Tabs
        label={say('views')}
        current={current.id}
        tabs={TABS.map((each) => ({ id: each.id, label: each.label[language], to: place(each.id) }))}
      />
      <div className={styles['body']}>
        <Suspense fallback={<Loading />}>
          <TabView key={current.id} tab={current} application={application} />
        </Suspense>
      </div>
      <NodePanel />
    </>
  )
}

/**
 * A view that is loaded is shown without waiting: what React puts up in the place of one that is on its way stays for
 * 300 ms at least. The choice holds for as long as the view is shown, since another component in its place would begin anew.
 */
function TabView({ tab, application }: { tab: TabEntry; application: Application }) {
  const [Shown] = useState(() => tab.known() ?? tab.Later)
  return <Shown application={application} />
}

const KEPT = ['node', 'q', 'kind', 'health', 'sync']

/** The part of an address that goes along from view to view. */
export function keptOf(search: string): string {
  const kept = [...new URLSearchParams(search)].filter(([name]) => KEPT.includes(name))
  return kept.length > 0 ? `?${new URLSearchParams(kept)}` : ''
}
