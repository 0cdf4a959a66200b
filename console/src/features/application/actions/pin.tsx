import { Pin as PinIcon } from 'lucide-react'
import { Ago, Button, CommandHint, Term, useNotes } from '@/shared/ui'
import { useLanguage, useWords } from '@/shared/words'
import { type Application, pinOf, shortRevision } from '../model'
import { useLack, useResume } from './api'
import styles from './pin.module.css'
import { words } from './words'

/** That the application is held at an older release: by whom, why, until when, and the way back to Git. */
export function PinBanner({ application }: { application: Application }) {
  const say = useWords(words)
  const language = useLanguage()
  const notes = useNotes()
  const resume = useResume(application)
  const lack = useLack(application, 'rollback')
  const pin = pinOf(application)
  if (!pin) return null
  const { name, namespace } = application.metadata
  const until = pin.until && new Date(pin.until).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' })
  const isOverdue = pin.until !== '' && Date.parse(pin.until) < Date.now()
  const go = () =>
    resume.mutate(undefined, { onSuccess: () => notes.said(say('resumed', { name })), onError: notes.failed })
  return (
    <section className={styles['banner']} aria-label={say('pinned', { revision: '' })}>
      <PinIcon size={18} aria-hidden />
      <div className={styles['text']}>
        <p className={styles['facts']}>
          <strong>
            <Term name="pin">{say('pinned', { revision: pin.revisions.map(shortRevision).join(', ') })}</Term>
          </strong>
          {pin.owner && <span>{say('pinned-by', { owner: pin.owner })}</span>}
          {pin.since && (
            <span>
              {say('pinned-since')} <Ago at={pin.since} />
            </span>
          )}
          {!isOverdue && <span>{until ? say('pinned-until', { until }) : say('pinned-open')}</span>}
        </p>
        {pin.reason && <p className={styles['reason']}>{pin.reason}</p>}
        <p>{isOverdue ? say('pinned-overdue', { until }) : say('pinned-text')}</p>
        <CommandHint
          cli={`haori app rollback ${name} --resume`}
          api={`DELETE /api/haori/v1/applications/${name}/pin?appNamespace=${namespace}`}
        />
      </div>
      <Button reason={lack} disabled={resume.isPending} onClick={go}>
        {say('resume')}
      </Button>
    </section>
  )
}
