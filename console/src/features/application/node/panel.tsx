import type { AppRef } from '@/shared/api/types'
import { Dialog, Empty, Loaded, Status } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useApplication } from '../application'
import { Badges } from '../badges'
import { KindIcon } from '../kind-icon'
import { healthOf, type Node, nodeKey, useTree } from '../nodes'
import { useAppRef } from '../reference'
import { PANELS, type PanelName, splitKey, useSelection } from '../selection'
import { NodeActions } from './actions'
import { useLive } from './api'
import { containersOf } from './containers'
import { EventList } from './events'
import { Logs } from './logs/logs'
import { ManifestView } from './manifest'
import styles from './panel.module.css'
import { Summary } from './summary'
import { TerminalPart } from './terminal/terminal'
import { words } from './words'

/** The chosen object beside the page, where its panel is open. */
export function NodePanel() {
  const root = useAppRef()
  const selection = useSelection()
  if (!selection.panel || !selection.key) return null
  const { app, key } = splitKey(selection.key, root)
  return <Opened app={app} nodeName={key} panel={selection.panel} onClose={selection.close} />
}

function Opened({
  app,
  nodeName,
  panel,
  onClose,
}: {
  app: AppRef
  nodeName: string
  panel: PanelName
  onClose: () => void
}) {
  const say = useWords(words)
  const tree = useTree(app)
  const node = tree.data?.find((each) => nodeKey(each) === nodeName)
  const [, kind = '', , name = ''] = nodeName.split('/')
  return (
    <Dialog
      look="side"
      onClose={onClose}
      title={
        <span className={styles['title']}>
          <KindIcon kind={kind} size={20} />
          <span className={styles['kind']}>{kind}</span>
          <span>{name}</span>
        </span>
      }
    >
      <Loaded query={tree}>
        {(nodes) =>
          node ? (
            <Parts app={app} node={node} nodes={nodes} panel={panel} />
          ) : (
            <Empty title={say('gone')}>{say('gone-text')}</Empty>
          )
        }
      </Loaded>
    </Dialog>
  )
}

/** Kinds that have Pods of their own, hence logs. */
const WITH_LOGS = ['Pod', 'Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'Rollout']

export function panelsOf(node: Node): readonly PanelName[] {
  if (!node.uid) return ['summary', 'manifest']
  const isPod = node.kind === 'Pod' && node.group === ''
  return PANELS.filter((each) => {
    if (each === 'terminal') return isPod
    return each !== 'logs' || WITH_LOGS.includes(node.kind)
  })
}

function Parts({ app, node, nodes, panel }: { app: AppRef; node: Node; nodes: readonly Node[]; panel: PanelName }) {
  const say = useWords(words)
  const selection = useSelection()
  const panels = panelsOf(node)
  const current = panels.includes(panel) ? panel : 'summary'
  const health = healthOf(node)
  return (
    <div className={styles['parts']}>
      <div className={styles['marks']}>
        {node.sync && <Status value={node.sync} variant="chip" />}
        {health && <Status value={health} variant="chip" />}
        <Badges node={node} />
      </div>
      <div role="tablist" aria-label={say('parts')} className={styles['tabs']}>
        {panels.map((each) => (
          <button
            key={each}
            type="button"
            role="tab"
            aria-selected={each === current}
            className={styles['tab']}
            onClick={() => selection.open(selection.key, each)}
          >
            {say(each)}
          </button>
        ))}
      </div>
      <div role="tabpanel" aria-label={say(current)} className={styles['panel']}>
        <Part name={current} app={app} node={node} nodes={nodes} />
      </div>
    </div>
  )
}

function Part({ name, app, node, nodes }: { name: PanelName; app: AppRef; node: Node; nodes: readonly Node[] }) {
  switch (name) {
    case 'summary':
      return <Summary app={app} node={node} nodes={nodes} />
    case 'events':
      return <EventList app={app} node={node} />
    case 'logs':
      return <NodeLogs app={app} node={node} />
    case 'terminal':
      return <NodeTerminal app={app} node={node} />
    case 'manifest':
      return <ManifestView app={app} node={node} />
    case 'actions':
      return <ActionsPart app={app} node={node} />
  }
}

function NodeLogs({ app, node }: { app: AppRef; node: Node }) {
  const live = useLive(app, node)
  const { group, kind, namespace, name } = node
  const target = kind === 'Pod' ? { podName: name, namespace } : { group, kind, namespace, resourceName: name }
  return <Logs app={app} target={target} containers={containersOf(live.data).map((each) => each.name)} />
}

function NodeTerminal({ app, node }: { app: AppRef; node: Node }) {
  const application = useApplication(app)
  const live = useLive(app, node)
  return (
    <Loaded query={application}>
      {(found) => (
        <Loaded query={live}>
          {(manifest) => <TerminalPart app={app} application={found} node={node} containers={containersOf(manifest)} />}
        </Loaded>
      )}
    </Loaded>
  )
}

function ActionsPart({ app, node }: { app: AppRef; node: Node }) {
  const application = useApplication(app)
  return <Loaded query={application}>{(found) => <NodeActions app={app} application={found} node={node} />}</Loaded>
}
