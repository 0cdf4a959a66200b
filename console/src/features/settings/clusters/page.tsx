import { Plus } from 'lucide-react'
import { Link } from 'react-router'
import { useExported } from '@/shared/exporting'
import { Button, type Column, Dialog, Empty, Facts, Loaded, Opener, Table } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useLack, useOpen } from '../parts/action'
import { Connection } from '../parts/connection'
import { DeleteDialog } from '../parts/delete-dialog'
import { Frame } from '../parts/frame'
import { curl, line } from '../parts/shell-text'
import { type Cluster, deleteCluster, KEY, OWN_SERVER, objectOf, PATH, useClusters } from './api'
import { AddDialog, ChangeDialog } from './form'
import { words } from './words'

/** Clusters that applications are delivered to. */
export function Component() {
  const say = useWords(words)
  const open = useOpen()
  const clusters = useClusters()
  useExported('clusters', clusters.data)
  const shown = clusters.data?.find((each) => each.server === open.shown)
  const lack = useLack('clusters', 'create', '*')
  const add = (
    <Button look="primary" reason={lack} onClick={() => open.act('add')}>
      <Plus size={16} aria-hidden />
      {say('add')}
    </Button>
  )
  return (
    <Frame section="clusters" lead={say('lead')} actions={add}>
      <Loaded query={clusters}>
        {(items) => (items.length === 0 ? <Empty title={say('none')} /> : <Rows items={items} onOpen={open.show} />)}
      </Loaded>
      {open.action === 'add' && <AddDialog onClose={open.close} />}
      {shown && open.action === null && (
        <Details
          cluster={shown}
          onClose={open.close}
          onChange={() => open.act('change')}
          onDelete={() => open.act('delete')}
        />
      )}
      {shown && open.action === 'change' && <ChangeDialog cluster={shown} onClose={open.close} />}
      {shown && open.action === 'delete' && <Deletion cluster={shown} onClose={open.close} />}
    </Frame>
  )
}

const countOf = (cluster: Cluster) => Number(cluster.info?.applicationsCount ?? 0)

function Rows({ items, onOpen }: { items: readonly Cluster[]; onOpen: (server: string) => void }) {
  const say = useWords(words)
  const columns: Column<Cluster>[] = [
    {
      id: 'name',
      label: say('name'),
      cell: (each) => <Opener onOpen={() => onOpen(each.server)}>{each.name || each.server}</Opener>,
    },
    { id: 'server', label: say('server'), cell: (each) => each.server },
    { id: 'project', label: say('project'), cell: (each) => each.project || say('everyone') },
    { id: 'applications', label: say('applications'), cell: countOf, isNumber: true },
    { id: 'connection', label: say('connection'), cell: (each) => <Connection state={each.connectionState} /> },
  ]
  return <Table label={say('lead')} columns={columns} rows={items} keyOf={(each) => each.server} />
}

interface OfOne {
  cluster: Cluster
  onClose: () => void
}

function Details({ cluster, onClose, onChange, onDelete }: OfOne & { onChange: () => void; onDelete: () => void }) {
  const say = useWords(words)
  const isOwn = cluster.server === OWN_SERVER
  const lack = useLack('clusters', 'delete', objectOf(cluster))
  const changeLack = useLack('clusters', 'update', objectOf(cluster))
  const isInsecure = cluster.config?.tlsClientConfig?.insecure ?? false
  return (
    <Dialog
      title={cluster.name || cluster.server}
      onClose={onClose}
      footer={
        <>
          <Button reason={isOwn ? say('own') : changeLack} onClick={onChange}>
            {say('change')}
          </Button>
          <Button look="danger" reason={isOwn ? say('own') : lack} onClick={onDelete}>
            {say('delete')}
          </Button>
        </>
      }
    >
      <Facts
        facts={[
          [say('server'), cluster.server],
          [say('connection'), <Connection key="state" state={cluster.connectionState} />],
          ['', cluster.connectionState?.message],
          [say('version'), cluster.info?.serverVersion || cluster.serverVersion],
          [say('project'), cluster.project || say('everyone')],
          [say('namespaces'), cluster.namespaces?.join(', ') || say('everything')],
          [say('trust'), say(isInsecure ? 'unverified' : 'verified')],
          [say('applications'), countOf(cluster)],
          [
            say('look'),
            <Link key="look" to={`/applications?cluster=${encodeURIComponent(cluster.name)}`}>
              {say('applications')}
            </Link>,
          ],
        ]}
      />
      {isOwn && <p>{say('own')}</p>}
    </Dialog>
  )
}

function Deletion({ cluster, onClose }: OfOne) {
  const say = useWords(words)
  const name = cluster.name || cluster.server
  return (
    <DeleteDialog
      title={say('delete-title', { name })}
      action={say('delete')}
      text={say('delete-text', { n: countOf(cluster) })}
      remove={() => deleteCluster(cluster)}
      queryKey={KEY}
      said={say('deleted', { name })}
      lack={useLack('clusters', 'delete', objectOf(cluster))}
      command={{
        cli: line('haori', 'cluster', 'rm', name),
        api: curl('DELETE', `${PATH}/${encodeURIComponent(cluster.server)}`),
      }}
      onClose={onClose}
    />
  )
}
