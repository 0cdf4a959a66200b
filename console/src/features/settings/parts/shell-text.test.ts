import { expect, it } from 'vitest'
import { curl, line } from './shell-text'

it.each<[(string | false | undefined)[], string]>([
  [['haori', 'repo', 'rm', 'https://git.example/a.git'], 'haori repo rm https://git.example/a.git'],
  [['haori', false, undefined, 'x y'], "haori 'x y'"],
  [['echo', "it's $HOME"], `echo 'it'\\''s $HOME'`],
  [['haori', ''], "haori ''"],
])('%j is written %s', (words, text) => expect(line(...words)).toBe(text))

it('asks for the body where there is one', () => {
  expect(curl('DELETE', '/x')).not.toContain('--json')
  expect(curl('POST', '/x?a=1', true)).toContain(`--json @- "$HAORI_URL"'/x?a=1'`)
})
