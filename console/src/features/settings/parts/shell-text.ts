/** A word as a shell reads it: quoted only where that is needed. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** A command line; what is undefined or false is left out. */
export function line(...words: readonly (string | undefined | false)[]): string {
  return words
    .filter((word) => word !== undefined && word !== false)
    .map(quote)
    .join(' ')
}

/** The request as curl makes it; the body is asked for on standard input, since it may hold what is secret. */
export function curl(method: string, path: string, hasBody = false): string {
  const body = hasBody ? ' --json @-' : ''
  return `curl -X ${method} -H "Authorization: Bearer $HAORI_TOKEN"${body} "$HAORI_URL"${quote(path)}`
}
