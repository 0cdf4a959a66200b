import type { QueryClient } from '@tanstack/react-query'
import { applicationQuery } from './application'
import { treeQuery } from './nodes'
import { tabOf } from './tabs'

/** Asks for the application and for what its view shows first; waits for the view's program alone. */
export async function begin(
  queries: QueryClient,
  { parameters: { namespace = '', name = '', tab } }: { parameters: Readonly<Record<string, string | undefined>> },
): Promise<void> {
  const app = { namespace, name }
  // One of no name is led to the first.
  const entry = tabOf(tab) ?? tabOf()
  // The larger answer first: it is what the reader waits for.
  if (entry?.isOfTree) void queries.prefetchQuery(treeQuery(app))
  void queries.prefetchQuery(applicationQuery(app))
  await entry?.load()
}
