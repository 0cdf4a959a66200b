import { defineWords } from '@/shared/words'

export const words = defineWords(
  {
    'lane-sync': 'Syncs and releases',
    'lane-health': 'Health',
    'lane-event': 'Events of the cluster',
    operation: 'Sync',
    release: 'Released',
    created: 'Created',
    health: 'Health became',
    warning: 'Warning',
    by: 'by {who}',
    automated: 'by itself',
    with: 'With the events of {object}',
    'with-none': 'Choose an object in another view to see its events here too.',
    none: 'Nothing to show.',
  },
  {
    'lane-sync': '同期とリリース',
    'lane-health': 'ヘルス',
    'lane-event': 'クラスターのイベント',
    operation: '同期',
    release: 'リリース',
    created: '作成',
    health: 'ヘルスの変化',
    warning: '警告',
    by: '{who} による',
    automated: '自動',
    with: '{object} のイベントを含みます',
    'with-none': '他の表示でオブジェクトを選ぶと、そのイベントもここに表示されます。',
    none: '表示するものがありません。',
  },
)
