import { useAddress } from '@/shared/address'
/** How differences are shown: it stands in the URL. */

export const CONTEXTS = ['3', '10', '30', 'all']

/** How it is shown: wide screens begin side by side, narrow ones in one column. */
export function useLayout() {
  const { params, put } = useAddress()
  const wide = typeof window.matchMedia === 'function' && window.matchMedia('(min-width: 60rem)').matches
  const layout = params.get('layout') ?? (wide ? 'split' : 'unified')
  const wanted = params.get('context') ?? '3'
  const context = CONTEXTS.includes(wanted) ? wanted : '3'
  return { isSplit: layout === 'split', context, revision: params.get('revision') ?? '', put }
}
