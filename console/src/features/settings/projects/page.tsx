import { Plus } from 'lucide-react'
import { Link, useNavigate } from 'react-router'
import { useExported } from '@/shared/exporting'
import { Button, type Column, Empty, Loaded, Table } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useLack, useOpen } from '../parts/action'
import { Frame } from '../parts/frame'
import styles from '../parts/parts.module.css'
import { declaredBy, EMPTY, type Project, useProjects } from './api'
import { ProjectForm } from './form'
import { words } from './words'

/** All projects. */
export function Component() {
  const say = useWords(words)
  const open = useOpen()
  const navigate = useNavigate()
  const projects = useProjects()
  useExported('projects', projects.data)
  const lack = useLack('projects', 'create', '*')
  const add = (
    <Button look="primary" reason={lack} onClick={() => open.act('add')}>
      <Plus size={16} aria-hidden />
      {say('add')}
    </Button>
  )
  return (
    <Frame section="projects" lead={say('lead')} actions={add}>
      <Loaded query={projects}>
        {(items) => (items.length === 0 ? <Empty title={say('none')} /> : <Rows items={items} />)}
      </Loaded>
      {open.action === 'add' && (
        <ProjectForm
          project={{ metadata: { name: '' }, spec: {} }}
          initial={EMPTY}
          onClose={open.close}
          onDone={(made) => void navigate(`/settings/projects/${made.metadata.name}`)}
        />
      )}
    </Frame>
  )
}

function Rows({ items }: { items: readonly Project[] }) {
  const say = useWords(words)
  const columns: Column<Project>[] = [
    {
      id: 'name',
      label: say('name'),
      cell: ({ metadata, spec }) => (
        <div>
          <Link to={`/settings/projects/${encodeURIComponent(metadata.name)}`}>{metadata.name}</Link>
          {spec.description && <div className={styles['faint']}>{spec.description}</div>}
        </div>
      ),
    },
    { id: 'sources', label: say('sources'), cell: ({ spec }) => shorten(spec.sourceRepos ?? [], say('nothing')) },
    {
      id: 'destinations',
      label: say('destinations'),
      cell: ({ spec }) =>
        shorten(
          (spec.destinations ?? []).map(
            ({ server, name, namespace }) => `${name || server || '*'} / ${namespace || '*'}`,
          ),
          say('nothing'),
        ),
    },
    { id: 'roles', label: say('roles'), cell: ({ spec }) => spec.roles?.length ?? 0, isNumber: true },
    { id: 'origin', label: say('origin'), cell: (each) => say(declaredBy(each) ? 'git' : 'by-hand') },
  ]
  return <Table label={say('lead')} columns={columns} rows={items} keyOf={(each) => each.metadata.name} />
}

/** The first two, and how many more there are. */
export function shorten(texts: readonly string[], nothing: string): string {
  if (texts.length === 0) return nothing
  const more = texts.length > 2 ? ` +${texts.length - 2}` : ''
  return texts.slice(0, 2).join(', ') + more
}
