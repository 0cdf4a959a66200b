import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button, Callout, CommandHint, CopyButton, Dialog, Failure, Loading, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { useLack } from '../actions/api'
import type { Application } from '../model'
import { type ObjectName, objectKey, objectText } from '../objects'
import { askArgo, askOwn, keyOf } from '../queries'
import type { Difference } from '../sync/plan'
import { type By, type Reach, type Rule, ruleOf } from './ignore'
import styles from './ignore-dialog.module.css'
import type { ShownObject } from './objects'
import { words } from './words'

interface Preview {
  items: (ObjectName & { vanishes: Difference[]; stays: Difference[] })[]
  /** How many objects the rule speaks of. */
  reach: number
  patch: unknown
  yaml: string
  declaredBy: string | null
}

/** Makes a rule of a field that differs; what it would take away is shown before it is written. */
export function IgnoreDialog({
  application,
  object,
  difference,
  onClose,
}: {
  application: Application
  object: ShownObject
  difference: Difference
  onClose: () => void
}) {
  const say = useWords(words)
  const notes = useNotes()
  const [by, setBy] = useState<By>('field')
  const [reach, setReach] = useState<Reach>('object')
  const rule = ruleOf(object, object.desired ?? object.live, difference, by, reach)
  const preview = usePreview(application, rule)
  const save = useSave(application)
  const lack = useLack(application, 'update')
  const declared = preview.data?.declaredBy
  const reason =
    lack ?? (preview.data ? (declared ? say('ignore-declared', { parent: declared }) : undefined) : say('ignore-wait'))
  const write = () =>
    save.mutate(preview.data?.patch, {
      onSuccess: () => {
        notes.said(say('ignore-saved', { path: difference.path }))
        onClose()
      },
      onError: notes.failed,
    })
  return (
    <Dialog
      title={say('ignore-title', { path: difference.path })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{say('cancel')}</Button>
          <Button look="primary" reason={reason} disabled={save.isPending} onClick={write}>
            {say('ignore-save')}
          </Button>
        </>
      }
    >
      <div className={styles['body']}>
        {difference.manager && (
          <Choice
            title={say('ignore-what')}
            name="by"
            chosen={by}
            onChange={setBy}
            options={[
              ['field', say('ignore-by-field')],
              ['manager', say('ignore-by-manager', { manager: difference.manager })],
            ]}
          />
        )}
        <Choice
          title={say('ignore-where')}
          name="reach"
          chosen={reach}
          onChange={setReach}
          options={[
            ['object', objectText(object)],
            ['kind', say('ignore-kind', { kind: object.kind })],
          ]}
        />
        {preview.data ? (
          <>
            <Vanishing preview={preview.data} />
            {declared && <Callout tone="warn">{say('ignore-declared', { parent: declared })}</Callout>}
            <div className={styles['yaml']}>
              <span>{say(declared ? 'ignore-yaml-git' : 'ignore-yaml')}</span>
              <CopyButton text={preview.data.yaml} />
              <pre>{preview.data.yaml}</pre>
            </div>
          </>
        ) : preview.error ? (
          <Failure error={preview.error} onRetry={() => void preview.refetch()} />
        ) : (
          <Loading />
        )}
        <CommandHint
          cli={`kubectl patch application ${application.metadata.name} -n ${application.metadata.namespace} --type merge -p '${JSON.stringify(preview.data?.patch ?? {})}'`}
          api={`PATCH /api/v1/applications/${application.metadata.name}?appNamespace=${application.metadata.namespace}`}
        />
      </div>
    </Dialog>
  )
}

function usePreview(application: Application, rule: Rule) {
  return useQuery({
    queryKey: keyOf(application.metadata, 'ignore', rule),
    queryFn: ({ signal }) =>
      askOwn<Preview>(application.metadata, ['ignore', 'preview'], { method: 'POST', body: rule, signal }),
  })
}

function useSave(application: Application) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (patch: unknown) =>
      askArgo(application.metadata, [], {
        method: 'PATCH',
        body: { patch: JSON.stringify(patch), patchType: 'merge' },
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keyOf(application.metadata) }),
  })
}

function Choice<Value extends string>({
  title,
  name,
  chosen,
  options,
  onChange,
}: {
  title: string
  name: string
  chosen: Value
  options: readonly (readonly [Value, string])[]
  onChange: (value: Value) => void
}) {
  return (
    <fieldset className={styles['choice']}>
      <legend>{title}</legend>
      {options.map(([value, text]) => (
        <label key={value}>
          <input type="radio" name={name} checked={chosen === value} onChange={() => onChange(value)} />
          {text}
        </label>
      ))}
    </fieldset>
  )
}

/** How far the rule reaches: which differences vanish with it, now. */
function Vanishing({ preview }: { preview: Preview }) {
  const say = useWords(words)
  const count = preview.items.reduce((sum, item) => sum + item.vanishes.length, 0)
  return (
    <div>
      <p>
        <strong>{say('ignore-reach', { count, objects: preview.items.length, reach: preview.reach })}</strong>
      </p>
      <ul className={styles['vanishing']}>
        {preview.items.map((item) => (
          <li key={objectKey(item)}>
            {objectText(item)}{' '}
            {item.vanishes.map((each) => (
              <code key={each.path}>{each.path}</code>
            ))}
            {item.stays.length > 0 && <span>{say('ignore-stays', { count: item.stays.length })}</span>}
          </li>
        ))}
      </ul>
    </div>
  )
}
