/** What the server has answered, for as long as the page lives. */
import { QueryCache, QueryClient } from '@tanstack/react-query'
import { ApiError } from '@/shared/api/client'
import { USER } from '@/shared/api/session'

const RETRIES = 2
/** The server knows that it would not help, and says by its streams when it does. */
const KNOWN_AWAY = ['engine-away', 'engine-stands-by', 'store-away']

export const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    // A session that ended shows on whichever request comes next: asking who we are sends the reader to the sign-in page.
    onError: (error, query) => {
      if (error instanceof ApiError && error.status === 401 && query.queryKey !== USER) {
        void queries.invalidateQueries({ queryKey: USER })
      }
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (count, error) =>
        count < RETRIES &&
        !(
          error instanceof ApiError &&
          ((error.status >= 400 && error.status < 500) || KNOWN_AWAY.includes(error.code))
        ),
      refetchOnWindowFocus: true,
    },
  },
})
