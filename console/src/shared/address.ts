/** What is chosen on a page stands in the query of its address, so that a link shows the same. */
import { useCallback } from 'react'
import { useSearchParams } from 'react-router'

/** `step`: the browser's Back leads to what was before; else the address is changed in place. */
type How = 'step' | 'in-place'

/** The query; `put` gives names one value each (an empty one takes the name away), `change` edits the query as a whole. */
export function useAddress() {
  const [params, setParams] = useSearchParams()
  const change = useCallback(
    (edit: (next: URLSearchParams) => void, how: How = 'in-place') =>
      setParams(
        (before) => {
          const next = new URLSearchParams(before)
          edit(next)
          return next
        },
        { replace: how === 'in-place' },
      ),
    [setParams],
  )
  const put = useCallback(
    (values: Readonly<Record<string, string>>, how?: How) =>
      change((next) => {
        for (const [name, value] of Object.entries(values)) {
          if (value) next.set(name, value)
          else next.delete(name)
        }
      }, how),
    [change],
  )
  return { params, put, change }
}
