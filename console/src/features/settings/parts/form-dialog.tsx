import { type FormEvent, type ReactNode, useId } from 'react'
import { Button, CommandHint, Dialog, Failure } from '@/shared/ui'
import { useWords } from '@/shared/words'
import styles from './parts.module.css'
import { words } from './words'

interface Command {
  cli: string
  api: string
}

/** A form in a dialog: its fields, what the server said against it, and the command that does the same. */
export function FormDialog({
  title,
  action,
  onClose,
  onSubmit,
  isBusy,
  error,
  command,
  reason,
  look = 'primary',
  children,
}: {
  title: string
  /** What the button says. */
  action: string
  onClose: () => void
  onSubmit: () => void
  isBusy: boolean
  /** A failure that no field shows. */
  error?: unknown
  command?: Command | undefined
  /** Why it cannot be done now. */
  reason?: string | undefined
  look?: 'primary' | 'danger'
  children: ReactNode
}) {
  const say = useWords(words)
  const form = useId()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    // Enter in a field would pass the button by.
    if (!reason && !isBusy) onSubmit()
  }
  const footer = (
    <>
      <Button onClick={onClose}>{say('cancel')}</Button>
      <Button type="submit" form={form} look={look} disabled={isBusy} reason={reason}>
        {action}
      </Button>
    </>
  )
  return (
    <Dialog title={title} onClose={onClose} footer={footer}>
      <form id={form} className={styles['form']} noValidate onSubmit={submit}>
        {children}
        {reason && <p className={styles['reason']}>{reason}</p>}
        {error ? <Failure error={error} /> : null}
        {command && <CommandHint cli={command.cli} api={command.api} />}
      </form>
    </Dialog>
  )
}
