const UNITS = { m: 60, h: 3600, d: 86_400 } as const

/** The seconds of `12h`, `30d`, `45m`; 0 for nothing written; undefined for what is no time. */
export function secondsOf(text: string): number | undefined {
  if (text.trim() === '') return 0
  const [, count, unit] = /^(\d{1,6})\s*([mhd])$/.exec(text.trim()) ?? []
  if (count === undefined || unit === undefined) return undefined
  return Number(count) * UNITS[unit as keyof typeof UNITS]
}
