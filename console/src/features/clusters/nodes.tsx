import { AlertTriangle, CheckCircle2, XCircle } from 'lucide-react'
import { Ago, type Column, Loaded, Mark, Table, type Tone } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { countOf, memoryOf, type Node, phasesOf, useNodes } from './api'
import styles from './page.module.css'
import { words } from './words'

/** The nodes of a cluster, with how many Pods of which phase run on each. */
export function Nodes({ server }: { server: string }) {
  const say = useWords(words)
  const nodes = useNodes(server)
  return (
    <div className={styles['nodes']}>
      <h3>{say('nodes')}</h3>
      <Loaded query={nodes}>
        {({ items, problem }) => {
          if (items.length > 0) return <Rows nodes={items} />
          return <p className={styles['faint']}>{problem?.text ?? say('no-nodes')}</p>
        }}
      </Loaded>
    </div>
  )
}

function Rows({ nodes }: { nodes: readonly Node[] }) {
  const say = useWords(words)
  const columns: Column<Node>[] = [
    { id: 'node', label: say('node'), cell: (each) => <Name node={each} /> },
    { id: 'pods', label: say('pods'), cell: (each) => <Pods pods={each.pods} /> },
    {
      id: 'resources',
      label: say('resources'),
      cell: ({ capacity }) =>
        [capacity['cpu'] && say('cpu', { n: capacity['cpu'] }), memoryOf(capacity['memory'])]
          .filter(Boolean)
          .join(', ') || '–',
    },
    {
      id: 'system',
      label: say('system'),
      cell: (each) => [each.version, each.system, each.architecture, each.zone].filter(Boolean).join(', ') || '–',
    },
    { id: 'age', label: say('age'), cell: ({ createdAt }) => <Ago at={createdAt} /> },
  ]
  return <Table label={say('nodes')} columns={columns} rows={nodes} keyOf={(each) => each.name} />
}

function Name({ node }: { node: Node }) {
  const say = useWords(words)
  if (node.name === '') return <span className={styles['faint']}>{say('nowhere')}</span>
  const warnings = [...node.pressure, ...(node.unschedulable ? [say('unschedulable')] : [])]
  return (
    <div className={styles['name']}>
      <strong>{node.name}</strong>
      <Mark tone={node.ready ? 'good' : 'bad'} icon={node.ready ? CheckCircle2 : XCircle} size={14}>
        {say(node.ready ? 'ready' : 'not-ready')}
      </Mark>
      {warnings.map((each) => (
        <Mark key={each} tone="warn" icon={AlertTriangle} size={14}>
          {each}
        </Mark>
      ))}
      {node.roles.length > 0 && <div className={styles['faint']}>{node.roles.join(', ')}</div>}
    </div>
  )
}

const TONES: Readonly<Record<string, Tone>> = {
  Running: 'good',
  Pending: 'busy',
  Succeeded: 'idle',
  Failed: 'bad',
  Unknown: 'warn',
}

/** How many Pods there are by phase, in words and as one bar. */
function Pods({ pods }: { pods: Readonly<Record<string, number>> }) {
  const say = useWords(words)
  const phases = phasesOf(pods)
  const word = (phase: string) => (phase in TONES ? say(phase as 'Running') : phase)
  return (
    <div>
      <div>{say('pods-of', { n: countOf(pods) })}</div>
      <div className={styles['bar']} aria-hidden>
        {phases.map(([phase, count]) => (
          <span key={phase} style={{ flexGrow: count, background: `var(--${TONES[phase] ?? 'idle'})` }} />
        ))}
      </div>
      <div className={styles['faint']}>{phases.map(([phase, count]) => `${count} ${word(phase)}`).join(', ')}</div>
    </div>
  )
}
