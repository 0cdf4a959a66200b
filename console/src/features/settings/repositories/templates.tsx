import { Listing } from './page'

/** Templates of credentials. */
export function Component() {
  return <Listing shelf="credentials" />
}
