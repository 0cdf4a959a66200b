/**
 * The first script of every page, and a small one: it begins with all that the address tells will be needed, so that the
 * server answers while the rest of the program is fetched and read.
 */
import './tokens.css'
import { userQuery } from '@/shared/api/session'
import { findPage } from './pages'
import { queries } from './queries'

const found = findPage(location.pathname)
void import('./main')
if (found) {
  const { page, parameters } = found
  page.begin?.(queries, { parameters, search: new URLSearchParams(location.search) }).catch(() => undefined)
  void queries.prefetchQuery(userQuery)
  // The router loads it as well, and shows what goes wrong with that.
  page.load().catch(() => undefined)
}
