import { History, MoreHorizontal, RefreshCw, RotateCcw, Settings2, Trash2 } from 'lucide-react'
import type { ReactNode } from 'react'
import { useNavigate } from 'react-router'
import { useAddress } from '@/shared/address'
import { useCommands } from '@/shared/commands'
import { Button, CommandHint, Popover, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { releaseBefore } from '../history/rollback'
import type { Application } from '../model'
import { isRunning } from '../sync/plan'
import styles from './actions.module.css'
import { useDeclared, useLack, useRefresh } from './api'
import { AutomationDialog } from './automation'
import { DeleteDialog } from './delete'
import { words } from './words'

/** What can be done with the application, in its header. What is open stands in the URL (`do`). */
export function Actions({ application }: { application: Application }) {
  const say = useWords(words)
  const navigate = useNavigate()
  const { params, put } = useAddress()
  const refresh = useRefreshing(application)
  const { namespace, name } = application.metadata
  const place = `/applications/${namespace}/${name}`
  const open = (what: string) => put({ do: what }, 'step')
  const sync = () => void navigate(`${place}/sync`)
  const rollback = () => void navigate(`${place}/history?to=before`)
  const rollbackReason = useRollbackReason(application)
  useCommands([
    { id: 'app sync', title: say('sync'), group: say('group'), keys: 's', run: sync },
    { id: 'app refresh', title: say('refresh'), group: say('group'), keys: 'r', run: () => refresh.run('normal') },
    {
      id: 'app hard',
      title: say('hard-refresh'),
      group: say('group'),
      keys: 'shift+r',
      run: () => refresh.run('hard'),
    },
    ...(rollbackReason
      ? []
      : [{ id: 'app rollback', title: say('rollback'), group: say('group'), keys: 'b', run: rollback }]),
    { id: 'app automation', title: say('automation'), group: say('group'), run: () => open('automation') },
    { id: 'app delete', title: say('delete'), group: say('group'), run: () => open('delete') },
  ])
  return (
    <div className={styles['actions']}>
      <Button look="primary" onClick={sync}>
        {say(isRunning(application.status?.operationState) ? 'sync-busy' : 'sync')}
      </Button>
      <Button onClick={() => refresh.run('normal')} title={say('refresh-text')} disabled={refresh.isPending}>
        <RefreshCw size={15} aria-hidden className={refresh.isPending ? 'turning' : undefined} />
        <span className={styles['word']}>{say('refresh')}</span>
      </Button>
      <Button onClick={rollback} title={say('rollback-text')} reason={rollbackReason}>
        <History size={15} aria-hidden />
        {say('rollback')}
      </Button>
      <Popover label={say('more')} button={<MoreHorizontal size={18} aria-hidden />} isIcon isWide>
        {() => <Entries application={application} open={open} refresh={refresh.run} />}
      </Popover>
      {params.get('do') === 'automation' && <AutomationDialog application={application} onClose={() => open('')} />}
      {params.get('do') === 'delete' && <DeleteDialog application={application} onClose={() => open('')} />}
    </div>
  )
}

function useRefreshing(application: Application) {
  const say = useWords(words)
  const notes = useNotes()
  const refresh = useRefresh(application)
  const run = (kind: 'normal' | 'hard') =>
    refresh.mutate(kind, {
      onSuccess: () => notes.said(say('refreshed', { name: application.metadata.name })),
      onError: notes.failed,
    })
  return { run, isPending: refresh.isPending }
}

function useRollbackReason(application: Application): string | undefined {
  const say = useWords(words)
  const lack = useLack(application, 'rollback')
  return lack ?? (releaseBefore(application) ? undefined : say('rollback-none'))
}

/** Every action with what it does and the command that does the same. */
function Entries({
  application,
  open,
  refresh,
}: {
  application: Application
  open: (what: string) => void
  refresh: (kind: 'normal' | 'hard') => void
}) {
  const say = useWords(words)
  const { name, namespace } = application.metadata
  const api = `/api/v1/applications/${name}`
  const at = `appNamespace=${namespace}`
  const declared = useDeclared(application)
  const lackUpdate = useLack(application, 'update')
  const lackDelete = useLack(application, 'delete')
  return (
    <ul className={styles['entries']}>
      <Entry
        icon={<RefreshCw size={15} aria-hidden />}
        title={say('refresh')}
        text={say('refresh-text')}
        onClick={() => refresh('normal')}
        cli={`haori app refresh ${name}`}
        api={`GET ${api}?refresh=normal&${at}`}
      />
      <Entry
        icon={<RotateCcw size={15} aria-hidden />}
        title={say('hard-refresh')}
        text={say('hard-refresh-text')}
        onClick={() => refresh('hard')}
        cli={`haori app refresh ${name} --hard`}
        api={`GET ${api}?refresh=hard&${at}`}
      />
      <Entry
        icon={<Settings2 size={15} aria-hidden />}
        title={say('automation')}
        text={say('automation-text')}
        reason={lackUpdate ?? declared}
        onClick={() => open('automation')}
        cli={`haori app set ${name} --sync-policy automated`}
        api={`PATCH ${api}?${at}`}
      />
      <Entry
        icon={<Trash2 size={15} aria-hidden />}
        title={say('delete')}
        text={say('delete-text')}
        reason={lackDelete ?? declared}
        onClick={() => open('delete')}
        cli={`haori app delete ${name}`}
        api={`DELETE ${api}?${at}`}
      />
    </ul>
  )
}

function Entry({
  icon,
  title,
  text,
  reason,
  onClick,
  cli,
  api,
}: {
  icon: ReactNode
  title: string
  text: string
  reason?: string | undefined
  onClick: () => void
  cli: string
  api: string
}) {
  return (
    <li>
      <Button look="quiet" reason={reason} onClick={onClick} className={styles['entry']}>
        {icon}
        {title}
      </Button>
      <p>{reason ?? text}</p>
      <CommandHint cli={cli} api={api} />
    </li>
  )
}
