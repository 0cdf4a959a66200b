import { useChange } from './action'
import { FormDialog } from './form-dialog'

/** Asks once more before something is taken away: what it is, what follows from it, and the command that does the same. */
export function DeleteDialog({
  title,
  text,
  action,
  remove,
  queryKey,
  said,
  lack,
  command,
  onClose,
  onDone = onClose,
}: {
  title: string
  text: string
  /** What the button says. */
  action: string
  remove: () => Promise<unknown>
  /** Of the list that it stood in. */
  queryKey: readonly unknown[]
  /** What is said once it is gone. */
  said: string
  /** Why the reader may not. */
  lack: string | undefined
  command: { cli: string; api: string }
  onClose: () => void
  /** What follows then, where that is more than closing. */
  onDone?: () => void
}) {
  const change = useChange({ change: remove, key: queryKey, said, done: onDone })
  return (
    <FormDialog
      title={title}
      action={action}
      look="danger"
      onClose={onClose}
      onSubmit={() => change.mutate(undefined)}
      isBusy={change.isPending}
      error={change.error}
      reason={lack}
      command={command}
    >
      <p>{text}</p>
    </FormDialog>
  )
}
