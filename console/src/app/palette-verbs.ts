/** What may be typed before an application's name, in both languages whichever is chosen, and the tab where it is done. */
const VERBS: Readonly<Record<string, readonly string[]>> = {
  sync: ['sync', 'synchronize', 'deploy', '同期', 'デプロイ'],
  diff: ['diff', 'compare', '差分', '比較'],
  history: ['rollback', 'history', 'ロールバック', '履歴'],
  pods: ['logs', 'pods', 'restart', 'ログ', '再起動'],
  timeline: ['timeline', 'events', 'タイムライン', 'イベント'],
}

export interface Said {
  tab: string
  /** As it was typed. */
  verb: string
  /** What the application may be called. */
  rest: string
}

/** A verb and what follows it; null where the text begins with no verb or ends with it. */
export function readVerb(text: string): Said | null {
  const [, verb = '', rest = ''] = /^(\S+)\s+(\S.*)$/.exec(text.trim()) ?? []
  const found = Object.entries(VERBS).find(([, words]) => words.includes(verb.toLowerCase()))
  return found ? { tab: found[0], verb, rest } : null
}
