import { defineWords } from '@/shared/words'

export const words = defineWords(
  {
    table: 'Objects of this application',
    kind: 'Kind',
    name: 'Name',
    namespace: 'Namespace',
    sync: 'Sync',
    health: 'Health',
    wave: 'Wave',
    age: 'Created',
    made: 'by its owner',
  },
  {
    table: 'このアプリケーションのオブジェクト',
    kind: '種類',
    name: '名前',
    namespace: '名前空間',
    sync: '同期',
    health: 'ヘルス',
    wave: 'ウェーブ',
    age: '作成',
    made: '所有者が作成',
  },
)
