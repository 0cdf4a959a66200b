/** What every action of the settings does: asks the server, says what was done, and has the lists read again. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useAddress } from '@/shared/address'
import { useMay } from '@/shared/api/session'
import { useNotes } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { words } from './words'

/** `change` asks the server; what it changed is read again under `key`; `done` follows. */
export function useChange<Argument, Answer>({
  change,
  key,
  said,
  done,
}: {
  change: (argument: Argument) => Promise<Answer>
  key: readonly unknown[]
  said?: string
  done?: (answer: Answer) => void
}) {
  const queries = useQueryClient()
  const notes = useNotes()
  return useMutation({
    mutationFn: change,
    onSuccess: (answer) => {
      if (said) notes.said(said)
      void queries.invalidateQueries({ queryKey: key })
      done?.(answer)
    },
  })
}

/** Why a button cannot be used by the reader; undefined where it can, or while nobody knows. */
export function useLack(resource: string, action: string, object: string | readonly string[]): string | undefined {
  const say = useWords(words)
  const named = typeof object === 'string' ? object : object.join('/')
  const may = useMay(resource, action, object)
  return may === false ? say('may-not', { permission: `${resource}, ${action}, ${named}` }) : undefined
}

/** Which dialog is open, in the address: `?show=NAME` for one thing, `?do=ACTION` for an action. */
export function useOpen() {
  const { params: query, put } = useAddress()
  return {
    shown: query.get('show'),
    action: query.get('do'),
    show: (name: string) => put({ show: name, do: '' }),
    act: (action: string, name = query.get('show') ?? '') => put({ show: name, do: action }),
    close: () => put({ show: '', do: '' }),
  }
}
