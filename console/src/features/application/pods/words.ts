import { defineWords } from '@/shared/words'

export const words = defineWords(
  {
    by: 'Pods by',
    node: 'node',
    owner: 'owner',
    none: 'No Pods run here.',
    'none-text': 'This application has nothing that runs, or it is not synced yet.',
    pods: '{n} {n|Pod|Pods}',
    unwell: '{n} not well',
    nowhere: 'Without a node yet',
    nobody: 'Without an owner',
    ready: '{ready} of {total} ready',
    ended: 'ended',
    restarts: '{n} {n|restart|restarts}',
    going: 'being deleted',
  },
  {
    by: 'Pod の分け方',
    node: 'ノード',
    owner: '所有者',
    none: '動いている Pod はありません。',
    'none-text': '動くものがないか、まだ同期されていません。',
    pods: 'Pod {n} 個',
    unwell: '要確認 {n} 個',
    nowhere: 'ノード未割り当て',
    nobody: '所有者なし',
    ready: '準備完了 {ready}/{total}',
    ended: '終了',
    restarts: '再起動 {n} 回',
    going: '削除中',
  },
)
