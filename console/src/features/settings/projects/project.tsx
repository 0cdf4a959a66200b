import { ArrowLeft, GitBranch, Pencil, Plus, Trash2 } from 'lucide-react'
import { Link, useNavigate, useParams } from 'react-router'
import { Button, Callout, Card, type Column, Loaded, Page, Table } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useLack, useOpen } from '../parts/action'
import { DeleteDialog } from '../parts/delete-dialog'
import styles from '../parts/parts.module.css'
import { line } from '../parts/shell-text'
import { type Destination, declaredBy, deleteProject, KEY, type KindRule, PATH, type Project, useProject } from './api'
import { ProjectForm } from './form'
import { Roles } from './roles'
import { words } from './words'

/** One project: what it permits, and who may do what in it. */
export function Component() {
  const say = useWords(words)
  const { name = '' } = useParams()
  const project = useProject(name)
  return (
    <Page
      title={name}
      lead={
        <Link to="/settings/projects">
          <ArrowLeft size={14} aria-hidden /> {say('back')}
        </Link>
      }
      actions={project.data && <Actions project={project.data} />}
    >
      <Loaded query={project}>{(data) => <Content project={data} />}</Loaded>
    </Page>
  )
}

/** Why the project cannot be changed here: Git declares it, or the reader may not. */
export function useRefusal(project: Project, action: 'update' | 'delete'): string | undefined {
  const say = useWords(words)
  const application = declaredBy(project)
  const lack = useLack('projects', action, project.metadata.name)
  return application ? say('declared-short', { application }) : lack
}

function Actions({ project }: { project: Project }) {
  const say = useWords(words)
  const open = useOpen()
  return (
    <>
      <Button reason={useRefusal(project, 'update')} onClick={() => open.act('edit')}>
        <Pencil size={16} aria-hidden />
        {say('edit')}
      </Button>
      <Button look="danger" reason={useRefusal(project, 'delete')} onClick={() => open.act('delete')}>
        <Trash2 size={16} aria-hidden />
        {say('delete')}
      </Button>
    </>
  )
}

function Content({ project }: { project: Project }) {
  const say = useWords(words)
  const open = useOpen()
  const { spec } = project
  const application = declaredBy(project)
  const refusal = useRefusal(project, 'update')
  return (
    <>
      {application && (
        <Callout tone="busy">
          <GitBranch size={16} aria-hidden /> {say('declared', { application })}
        </Callout>
      )}
      {spec.description && <p>{spec.description}</p>}
      <Card>
        <h2>{say('sources')}</h2>
        <Texts texts={spec.sourceRepos ?? []} />
      </Card>
      <Card>
        <h2>{say('destinations')}</h2>
        <Destinations destinations={spec.destinations ?? []} />
      </Card>
      <Card>
        <h2>{say('kinds')}</h2>
        <Kinds title="clusterResourceWhitelist" rules={spec.clusterResourceWhitelist ?? []} />
        <Kinds title="clusterResourceBlacklist" rules={spec.clusterResourceBlacklist ?? []} />
        <Kinds title="namespaceResourceWhitelist" rules={spec.namespaceResourceWhitelist} unset={say('all-kinds')} />
        <Kinds title="namespaceResourceBlacklist" rules={spec.namespaceResourceBlacklist ?? []} />
      </Card>
      <Card>
        <div className={styles['head']}>
          <h2>{say('roles')}</h2>
          <Button reason={refusal} onClick={() => open.act('role')}>
            <Plus size={16} aria-hidden />
            {say('add-role')}
          </Button>
        </div>
        <Roles project={project} refusal={refusal} />
      </Card>
      {open.action === 'edit' && <ProjectForm project={project} onClose={open.close} />}
      {open.action === 'delete' && <Deletion name={project.metadata.name} onClose={open.close} />}
    </>
  )
}

function Texts({ texts }: { texts: readonly string[] }) {
  const say = useWords(words)
  if (texts.length === 0) return <p className={styles['faint']}>{say('nothing')}</p>
  return (
    <ul className={styles['list']}>
      {texts.map((each) => (
        <li key={each}>
          <code>{each}</code>
        </li>
      ))}
    </ul>
  )
}

function Destinations({ destinations }: { destinations: readonly Destination[] }) {
  const say = useWords(words)
  if (destinations.length === 0) return <p className={styles['faint']}>{say('nothing')}</p>
  const columns: Column<Destination>[] = [
    { id: 'cluster', label: say('cluster'), cell: ({ name, server }) => <code>{name || server || '*'}</code> },
    { id: 'namespace', label: say('namespace'), cell: ({ namespace }) => <code>{namespace || '*'}</code> },
  ]
  return (
    <Table
      label={say('destinations')}
      columns={columns}
      rows={destinations}
      keyOf={(each) => `${each.server} ${each.name} ${each.namespace}`}
    />
  )
}

function Kinds({
  title,
  rules,
  unset,
}: {
  title:
    | 'clusterResourceWhitelist'
    | 'clusterResourceBlacklist'
    | 'namespaceResourceWhitelist'
    | 'namespaceResourceBlacklist'
  rules: readonly KindRule[] | undefined
  unset?: string
}) {
  const say = useWords(words)
  return (
    <div>
      <h3>{say(title)}</h3>
      {rules === undefined ? (
        <p className={styles['faint']}>{unset}</p>
      ) : (
        <Texts
          texts={rules.map(({ group, kind, name }) => `${group ? `${group}/` : ''}${kind}${name ? ` ${name}` : ''}`)}
        />
      )}
    </div>
  )
}

function Deletion({ name, onClose }: { name: string; onClose: () => void }) {
  const say = useWords(words)
  const navigate = useNavigate()
  return (
    <DeleteDialog
      title={say('delete-title', { name })}
      text={say('delete-text')}
      action={say('delete')}
      remove={() => deleteProject(name)}
      queryKey={KEY}
      said={say('deleted', { name })}
      lack={useLack('projects', 'delete', name)}
      command={{ cli: line('kubectl', 'delete', 'appproject', '-n', 'argocd', name), api: `DELETE ${PATH}/${name}` }}
      onClose={onClose}
      onDone={() => void navigate('/settings/projects')}
    />
  )
}
