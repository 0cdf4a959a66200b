import { defineWords } from '@/shared/words'

export const words = defineWords(
  {
    title: 'Environments',
    lead: 'Each row is an app, each column an environment: which revision and images run there, and where environments drift apart.',
    'no-environment': 'No environment',
    'no-environment-hint':
      'Neither the label haori.dev/environment nor a word such as staging in name, namespace, path or cluster tells one.',
    app: 'App',
    search: 'Search',
    'only-drift': 'Only what drifts',
    drift: 'Drifts',
    'drift-hint': 'The environments do not all run the same.',
    differs: 'differs from {environment}',
    'not-here': 'Not in {environment}',
    more: '{n} more here',
    'part-of': 'Part of {name}',
    pinned: 'Pinned at an older revision',
    none: 'No application in any environment',
    'none-hint':
      'An application stands here by the labels haori.dev/app and haori.dev/environment, or by a word such as staging in its name, namespace, path or cluster.',
    'none-found': 'No app fits',
    shown: '{shown} of {total} {total|app|apps}',
    'show-more': 'Show more',
  },
  {
    title: '環境',
    lead: '行はアプリ、列は環境です。どのリビジョンとイメージが動いているか、環境のどこがずれているかを示します。',
    'no-environment': '環境なし',
    'no-environment-hint':
      'ラベル haori.dev/environment も、名前・名前空間・パス・クラスターの staging のような語もありません。',
    app: 'アプリ',
    search: '検索',
    'only-drift': 'ずれているものだけ',
    drift: 'ずれあり',
    'drift-hint': '環境ごとに動いているものが違います。',
    differs: '{environment} と違います',
    'not-here': '{environment} にはありません',
    more: 'ここに他 {n} 件',
    'part-of': '{name} の一部',
    pinned: '以前のリビジョンに固定中',
    none: 'どの環境にもアプリケーションがありません',
    'none-hint':
      'ラベル haori.dev/app と haori.dev/environment、または名前・名前空間・パス・クラスターの staging のような語で、ここに並びます。',
    'none-found': '該当するアプリがありません',
    shown: 'アプリ {total} 件中 {shown} 件',
    'show-more': 'さらに表示',
  },
)
