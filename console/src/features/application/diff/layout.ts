/** How differences are shown: it stands in the URL. */
import { useSearchParams } from 'react-router'

export const CONTEXTS = ['3', '10', '30', 'all']

/** How it is shown: wide screens begin side by side, narrow ones in one column. */
export function useLayout() {
  const [params, setParams] = useSearchParams()
  const wide = typeof window.matchMedia === 'function' && window.matchMedia('(min-width: 60rem)').matches
  const layout = params.get('layout') ?? (wide ? 'split' : 'unified')
  const wanted = params.get('context') ?? '3'
  const context = CONTEXTS.includes(wanted) ? wanted : '3'
  const set = (name: string, value: string) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before)
        if (value) next.set(name, value)
        else next.delete(name)
        return next
      },
      { replace: true, preventScrollReset: true },
    )
  return { isSplit: layout === 'split', context, revision: params.get('revision') ?? '', set }
}
