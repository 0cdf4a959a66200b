/** What of an app's cell is not as in the environment before it, in the order a release goes through them. */
import type { App, Cell } from './api'

/** The last environment before `environment` that has the app; undefined for the first, and for what is in none (empty). */
export function environmentBefore(app: App, environments: readonly string[], environment: string): string | undefined {
  if (environment === '') return undefined
  return environments.slice(0, environments.indexOf(environment)).findLast((each) => app.cells[each])
}

/** An image's name without its tag or digest. */
export function nameOfImage(image: string): string {
  const plain = image.split('@')[0] ?? image
  const tag = plain.lastIndexOf(':')
  return tag > plain.lastIndexOf('/') ? plain.slice(0, tag) : plain
}

/** The tag or digest of an image, short; the whole image where it has none. */
export function versionOfImage(image: string): string {
  const [plain = image, digest] = image.split('@')
  if (digest) return digest.replace('sha256:', '').slice(0, 7)
  const version = plain.slice(nameOfImage(plain).length + 1)
  return version || plain
}

/** The images of a cell that the cell before runs in another version, or not at all; none where nothing is before. */
export function changedImages(cell: Cell, before: Cell | undefined): ReadonlySet<string> {
  if (!before) return new Set()
  return new Set(cell.images.filter((image) => !before.images.includes(image)))
}

/** An image's name without its registry. */
export function shortName(image: string): string {
  const name = nameOfImage(image)
  return name.slice(name.lastIndexOf('/') + 1)
}
