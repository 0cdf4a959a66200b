import { useState } from 'react'
import { Button, Callout, Choice, CommandHint, Dialog, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { type Application, type Automated, automatedOf } from '../model'
import { automationPatch, useAutomation, useDeclared, useLack } from './api'
import styles from './dialogs.module.css'
import { words } from './words'

/** Whether commits reach the cluster by themselves, and how much happens then. */
export function AutomationDialog({ application, onClose }: { application: Application; onClose: () => void }) {
  const say = useWords(words)
  const notes = useNotes()
  const { name, namespace } = application.metadata
  const now = automatedOf(application)
  const [wanted, setWanted] = useState<Automated | null>(now)
  const save = useAutomation(application)
  const lack = useLack(application, 'update')
  const declared = useDeclared(application)
  const isSame = same(now, wanted)
  const submit = () =>
    save.mutate(wanted, {
      onSuccess: () => {
        notes.said(say('automation-saved', { name, state: say(wanted ? 'on' : 'off') }))
        onClose()
      },
      onError: notes.failed,
    })
  return (
    <Dialog
      title={say('automation-title', { name })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{say('cancel')}</Button>
          <Button
            look="primary"
            reason={lack ?? declared ?? (isSame ? say('unchanged') : undefined)}
            disabled={save.isPending}
            onClick={submit}
          >
            {say('save')}
          </Button>
        </>
      }
    >
      <div className={styles['body']}>
        {(lack ?? declared) && <Callout tone="warn">{lack ?? declared}</Callout>}
        <Choice
          label={say('automation-on')}
          text={say('automation-text')}
          checked={wanted !== null}
          onChange={(event) => setWanted(event.target.checked ? (now ?? {}) : null)}
        />
        <Choice
          label={say('automation-prune')}
          text={say('automation-prune-text')}
          checked={wanted?.prune ?? false}
          disabled={!wanted}
          onChange={(event) => setWanted({ ...wanted, prune: event.target.checked })}
        />
        <Choice
          label={say('automation-heal')}
          text={say('automation-heal-text')}
          checked={wanted?.selfHeal ?? false}
          disabled={!wanted}
          onChange={(event) => setWanted({ ...wanted, selfHeal: event.target.checked })}
        />
        <CommandHint
          cli={automationCommand(name, wanted)}
          api={`PATCH /api/v1/applications/${name}?appNamespace=${namespace} ${JSON.stringify(automationPatch(wanted))}`}
        />
      </div>
    </Dialog>
  )
}

/** The command that sets the same. */
export function automationCommand(name: string, automated: Automated | null): string {
  if (!automated) return `haori app set ${name} --sync-policy none`
  const prune = automated.prune ? '--auto-prune' : '--no-auto-prune'
  return `haori app set ${name} --sync-policy automated ${prune} ${automated.selfHeal ? '--self-heal' : '--no-self-heal'}`
}

function same(one: Automated | null, other: Automated | null): boolean {
  if (!one || !other) return one === other
  return Boolean(one.prune) === Boolean(other.prune) && Boolean(one.selfHeal) === Boolean(other.selfHeal)
}
