import { Button, Callout, CommandHint, Dialog, useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { type Application, authorName, automatedOf, type Pin, shortRevision, sourcesOf } from '../model'
import { useUnpinnedPlan } from '../sync/api'
import type { Plan } from '../sync/plan'
import { Planned } from '../sync/planned'
import { useCommit, useLack, useResume } from './api'
import styles from './dialogs.module.css'
import { PinFacts } from './pin-facts'
import { words } from './words'

/** The end of a pin, before it: whose it is and why, where the application goes then, and what that does to the cluster. */
export function FollowDialog({
  application,
  pin,
  onClose,
}: {
  application: Application
  pin: Pin
  onClose: () => void
}) {
  const say = useWords(words)
  const notes = useNotes()
  const { name, namespace } = application.metadata
  const automated = automatedOf(application)
  const plan = useUnpinnedPlan({ name, namespace }, automated?.prune ?? false)
  const resume = useResume(application)
  const lack = useLack(application, 'rollback')
  const go = () =>
    resume.mutate(undefined, {
      onSuccess: () => {
        notes.said(say('resumed', { name }))
        onClose()
      },
      onError: notes.failed,
    })
  return (
    <Dialog
      look="wide"
      title={say('follow-title', { name })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{say('cancel')}</Button>
          <Button
            look="primary"
            reason={lack ?? (plan.isPending ? say('follow-planning') : undefined)}
            disabled={resume.isPending}
            onClick={go}
          >
            {say('resume')}
          </Button>
        </>
      }
    >
      <div className={styles['body']}>
        {lack && <Callout tone="warn">{lack}</Callout>}
        <Callout tone="busy">
          <PinFacts pin={pin} />
        </Callout>
        {plan.data && <Goal application={application} pin={pin} plan={plan.data} />}
        <p>{say(automated ? 'follow-at-once' : 'follow-by-hand')}</p>
        <Planned query={plan} title={say(automated ? 'follow-plan' : 'follow-plan-by-hand')} />
        <CommandHint
          cli={`haori app rollback ${name} --resume`}
          api={`DELETE /api/haori/v1/applications/${name}/pin?appNamespace=${namespace}`}
        />
      </div>
    </Dialog>
  )
}

/** What Git holds now, and whether that is the very thing that the pin led away from. */
function Goal({ application, pin, plan }: { application: Application; pin: Pin; plan: Plan }) {
  const say = useWords(words)
  const revisions = plan.revision.split(',')
  const commit = useCommit(application, revisions.length === 1 ? plan.revision : '')
  const target = sourcesOf(application)
    .map((source) => source.targetRevision || 'HEAD')
    .join(', ')
  return (
    <>
      <p>
        {say('follow-goal', { revision: revisions.map(shortRevision).join(', '), target })}
        {commit.data?.message && (
          <>
            {' '}
            <strong>{commit.data.message.split('\n')[0]}</strong> ({authorName(commit.data.author)})
          </>
        )}
      </p>
      {pin.wanted.join() === plan.revision && <Callout tone="warn">{say('follow-same')}</Callout>}
    </>
  )
}
