import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Button, type Column, Empty, Field, IconButton, Loaded, Table } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useChange, useLack, useOpen } from '../parts/action'
import { DeleteDialog } from '../parts/delete-dialog'
import { useDraft } from '../parts/draft'
import { FormDialog } from '../parts/form-dialog'
import { Frame } from '../parts/frame'
import styles from '../parts/parts.module.css'
import { curl } from '../parts/shell-text'
import {
  addCertificates,
  type Certificate,
  check,
  type Draft,
  deleteCertificate,
  EMPTY,
  fieldOf,
  idOf,
  KEY,
  PATH,
  queryOf,
  useCertificates,
} from './api'
import { words } from './words'

/** Host keys and certificates that repositories are known by. */
export function Component() {
  const say = useWords(words)
  const open = useOpen()
  const certificates = useCertificates()
  const shown = certificates.data?.find((each) => idOf(each) === open.shown)
  const add = (
    <Button look="primary" reason={useLack('certificates', 'create', '*')} onClick={() => open.act('add')}>
      <Plus size={16} aria-hidden />
      {say('add')}
    </Button>
  )
  return (
    <Frame section="certificates" lead={say('lead')} actions={add}>
      <Loaded query={certificates}>
        {(items) =>
          items.length === 0 ? (
            <Empty title={say('none')}>{say('none-hint')}</Empty>
          ) : (
            <Rows items={items} onDelete={(each) => open.act('delete', idOf(each))} />
          )
        }
      </Loaded>
      {open.action === 'add' && <AddDialog onClose={open.close} />}
      {open.action === 'delete' && shown && <Deletion certificate={shown} onClose={open.close} />}
    </Frame>
  )
}

function Rows({ items, onDelete }: { items: readonly Certificate[]; onDelete: (each: Certificate) => void }) {
  const say = useWords(words)
  const columns: Column<Certificate>[] = [
    { id: 'host', label: say('host'), cell: (each) => each.serverName },
    {
      id: 'kind',
      label: say('kind'),
      cell: (each) => `${say(each.certType === 'ssh' ? 'kind-ssh' : 'kind-https')} ${each.certSubType}`,
    },
    { id: 'print', label: say('print'), cell: (each) => <code>{each.certInfo}</code> },
    {
      id: 'delete',
      label: say('delete'),
      cell: (each) => (
        <IconButton label={`${say('delete')}: ${each.serverName} ${each.certSubType}`} onClick={() => onDelete(each)}>
          <Trash2 size={16} aria-hidden />
        </IconButton>
      ),
    },
  ]
  return <Table label={say('lead')} columns={columns} rows={items} keyOf={(each) => idOf(each) + each.certInfo} />
}

function AddDialog({ onClose }: { onClose: () => void }) {
  const say = useWords(words)
  const [sent, setSent] = useState<Draft>(EMPTY)
  const add = useChange({ change: addCertificates, key: KEY, done: onClose })
  const draft = useDraft(EMPTY, check, add.error, fieldOf(sent))
  const { values, set, problemOf } = draft
  const submit = (each: Draft) => {
    setSent(each)
    add.mutate(each)
  }
  return (
    <FormDialog
      title={say('add-title')}
      action={say('add')}
      onClose={onClose}
      onSubmit={() => draft.send(submit)}
      isBusy={add.isPending}
      error={draft.isAtField ? null : add.error}
      reason={useLack('certificates', 'create', '*')}
      command={{ cli: curl('POST', PATH, true), api: `POST ${PATH}` }}
    >
      <Field label={say('kind')}>
        <select value={values.kind} onChange={(event) => set({ kind: event.target.value as Draft['kind'] })}>
          <option value="ssh">{say('kind-ssh')}</option>
          <option value="https">{say('kind-https')}</option>
        </select>
      </Field>
      {values.kind === 'ssh' ? (
        <Field label={say('lines')} hint={say('lines-hint')} problem={problemOf('lines')}>
          <textarea
            className={styles['area']}
            rows={5}
            spellCheck={false}
            aria-invalid={problemOf('lines') !== undefined}
            value={values.lines}
            onChange={(event) => set({ lines: event.target.value })}
          />
        </Field>
      ) : (
        <>
          <Field label={say('host')} problem={problemOf('host')}>
            <input value={values.host} onChange={(event) => set({ host: event.target.value.trim() })} />
          </Field>
          <Field label={say('pem')} problem={problemOf('pem')}>
            <textarea
              className={styles['area']}
              rows={6}
              spellCheck={false}
              aria-invalid={problemOf('pem') !== undefined}
              value={values.pem}
              onChange={(event) => set({ pem: event.target.value })}
            />
          </Field>
        </>
      )}
    </FormDialog>
  )
}

function Deletion({ certificate, onClose }: { certificate: Certificate; onClose: () => void }) {
  const say = useWords(words)
  const host = certificate.serverName
  const path = `${PATH}?${new URLSearchParams(queryOf(certificate))}`
  return (
    <DeleteDialog
      title={say('delete-title', { host })}
      text={say('delete-text')}
      action={say('delete')}
      remove={() => deleteCertificate(certificate)}
      queryKey={KEY}
      said={say('deleted', { host })}
      lack={useLack('certificates', 'delete', '*')}
      command={{ cli: curl('DELETE', path), api: `DELETE ${path}` }}
      onClose={onClose}
    />
  )
}
