import type { Command } from '@/shared/commands'

/** Commands whose title holds all words of `text`, best first: a title that begins with it, a word that does, the rest. */
export function rank(commands: readonly Command[], text: string): Command[] {
  const wanted = text.trim().toLowerCase().split(/\s+/).filter(Boolean)
  const scored = commands.flatMap((command) => {
    const title = command.title.toLowerCase()
    const whole = `${command.group.toLowerCase()} ${title}`
    if (!wanted.every((word) => whole.includes(word))) return []
    const first = wanted[0] ?? ''
    const score = title.startsWith(first) ? 0 : title.split(/[\s/:-]+/).some((word) => word.startsWith(first)) ? 1 : 2
    return [{ command, score }]
  })
  return scored.sort((a, b) => a.score - b.score).map((each) => each.command)
}
