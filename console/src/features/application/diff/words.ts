import { defineWords } from '@/shared/words'

export const words = defineWords(
  {
    live: 'What the cluster has',
    wanted: 'What Git wants',
    absent: 'absent',
    masked: 'secret: only whether it differs is shown',
    manager: 'set by {manager}',
  },
  {
    live: 'クラスターの現在の値',
    wanted: 'Git の値',
    absent: 'なし',
    masked: '秘密の値のため、違いの有無だけを示します',
    manager: '{manager} が設定',
  },
)
