import { Plus } from 'lucide-react'
import { useExported } from '@/shared/exporting'
import { Button, type Column, Empty, Loaded, Opener, Table } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useLack, useOpen } from '../parts/action'
import { Connection } from '../parts/connection'
import { Frame } from '../parts/frame'
import { type Repository, type Shelf, useRepositories } from './api'
import { Deletion, Details } from './details'
import { AddDialog, ChangeDialog } from './form'
import { words } from './words'

/** Repositories that are connected. */
export function Component() {
  return <Listing shelf="repositories" />
}

export function Listing({ shelf }: { shelf: Shelf }) {
  const say = useWords(words)
  const open = useOpen()
  const repositories = useRepositories(shelf)
  useExported(shelf, repositories.data)
  const shown = repositories.data?.find((each) => idOf(each) === open.shown)
  const lack = useLack('repositories', 'create', '*')
  const add = (
    <Button look="primary" reason={lack} onClick={() => open.act('add')}>
      <Plus size={16} aria-hidden />
      {say(shelf === 'repositories' ? 'add' : 'add-template')}
    </Button>
  )
  return (
    <Frame section={shelf} lead={say(`lead-${shelf}`)} actions={add}>
      <Loaded query={repositories}>
        {(items) =>
          items.length === 0 ? (
            <Empty title={say(`none-${shelf}`)}>{shelf === 'repositories' && say('none-hint')}</Empty>
          ) : (
            <Rows shelf={shelf} items={items} onOpen={open.show} />
          )
        }
      </Loaded>
      {open.action === 'add' && <AddDialog shelf={shelf} onClose={open.close} />}
      {shown && open.action === null && (
        <Details
          shelf={shelf}
          repository={shown}
          onClose={open.close}
          onChange={() => open.act('change')}
          onDelete={() => open.act('delete')}
        />
      )}
      {shown && open.action === 'change' && <ChangeDialog shelf={shelf} repository={shown} onClose={open.close} />}
      {shown && open.action === 'delete' && <Deletion shelf={shelf} repository={shown} onClose={open.close} />}
    </Frame>
  )
}

/** The same URL may stand here once for each project. */
function idOf({ project, url }: Repository): string {
  return project ? `${project} ${url}` : url
}

function Rows({ shelf, items, onOpen }: { shelf: Shelf; items: readonly Repository[]; onOpen: (id: string) => void }) {
  const say = useWords(words)
  const types = { git: say('type-git'), helm: say('type-helm'), oci: say('type-oci') } as Record<string, string>
  const columns: Column<Repository>[] = [
    { id: 'url', label: say('url'), cell: (each) => <Opener onOpen={() => onOpen(idOf(each))}>{each.url}</Opener> },
    { id: 'type', label: say('type'), cell: (each) => types[each.type] ?? each.type },
    { id: 'user', label: say('user'), cell: (each) => each.username || '–' },
  ]
  if (shelf === 'repositories') {
    columns.push(
      { id: 'project', label: say('project'), cell: (each) => each.project || say('everyone') },
      { id: 'connection', label: say('connection'), cell: (each) => <Connection state={each.connectionState} /> },
    )
  }
  return <Table label={say(`lead-${shelf}`)} columns={columns} rows={items} keyOf={idOf} />
}
