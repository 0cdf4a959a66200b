import { defineWords } from '@/shared/words'

export const words = defineWords(
  {
    title: 'Applications',
    total: '{total} applications',
    name: 'Name',
    sync: 'Sync',
    health: 'Health',
    none: 'No applications yet',
  },
  {
    title: 'アプリケーション',
    total: '{total} 件',
    name: '名前',
    sync: '同期',
    health: 'ヘルス',
    none: 'アプリケーションがまだありません',
  },
)
