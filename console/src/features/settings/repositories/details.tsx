import { Link } from 'react-router'
import { Button, Dialog, Facts, Failure } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useChange, useLack } from '../parts/action'
import { Connection } from '../parts/connection'
import { DeleteDialog } from '../parts/delete-dialog'
import { curl, line } from '../parts/shell-text'
import { deleteRepository, keyOf, type OfOne, objectOf, pathOfShelf, testRepository } from './api'
import { words } from './words'

/** One repository beside the list, with what can be done to it. */
export function Details({
  shelf,
  repository,
  onClose,
  onChange,
  onDelete,
}: OfOne & { onChange: () => void; onDelete: () => void }) {
  const say = useWords(words)
  const lack = useLack('repositories', 'delete', objectOf(repository))
  const changeLack = useLack('repositories', 'update', objectOf(repository))
  const testLack = useLack('repositories', 'create', objectOf(repository))
  const test = useChange({ change: () => testRepository(repository), key: keyOf(shelf), said: say('tested') })
  const types = { git: say('type-git'), helm: say('type-helm'), oci: say('type-oci') } as Record<string, string>
  const list = `/applications?search=${encodeURIComponent(repository.url)}`
  return (
    <Dialog
      title={repository.name || repository.url}
      onClose={onClose}
      footer={
        <>
          {shelf === 'repositories' && (
            <Button reason={testLack} disabled={test.isPending} onClick={() => test.mutate(undefined)}>
              {say('test')}
            </Button>
          )}
          <Button reason={changeLack} onClick={onChange}>
            {say('change')}
          </Button>
          <Button look="danger" reason={lack} onClick={onDelete}>
            {say('delete')}
          </Button>
        </>
      }
    >
      <Facts
        facts={[
          [say('url'), repository.url],
          [say('type'), types[repository.type] ?? repository.type],
          [say('name'), repository.name],
          [say('project'), repository.project || say('everyone')],
          [say('user'), repository.username],
          [say('trust'), say(repository.insecure ? 'unverified' : 'verified')],
          [say('connection'), shelf === 'repositories' && <Connection state={repository.connectionState} />],
          [say('connection'), repository.connectionState?.message],
          [say('used'), shelf === 'repositories' && <Link to={list}>{say('used')}</Link>],
        ].map(([name, value]) => [String(name), value === false ? undefined : value] as const)}
      />
      {test.error && <Failure error={test.error} />}
    </Dialog>
  )
}

export function Deletion({ shelf, repository, onClose }: OfOne) {
  const say = useWords(words)
  const { url, project } = repository
  const path = `${pathOfShelf(shelf)}/${encodeURIComponent(url)}${project ? `?appProject=${project}` : ''}`
  const isTemplate = shelf === 'credentials'
  return (
    <DeleteDialog
      title={say('delete-title', { url })}
      text={say('delete-text')}
      action={say('delete')}
      remove={() => deleteRepository(repository, shelf)}
      queryKey={keyOf(shelf)}
      said={say('deleted', { url })}
      lack={useLack('repositories', 'delete', objectOf(repository))}
      command={{
        cli: line('haori', 'repo', 'rm', url, isTemplate && '--template', ...(project ? ['--project', project] : [])),
        api: curl('DELETE', path),
      }}
      onClose={onClose}
    />
  )
}
