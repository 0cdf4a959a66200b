import { defineWords } from '@/shared/words'

export const words = defineWords(
  {
    none: 'Nothing here is reached by the network.',
    'none-text': 'Ingresses, Services and Pods of this application would stand here.',
    inside: 'from inside the cluster only',
    outside: 'from outside, by its own address',
    'no-pods': 'Its selector finds no Pod of this application.',
    lost: 'Leads to nothing of this application',
    unreached: 'Pods that no Service leads to',
    'unreached-text': 'That is as it should be for workers and jobs.',
  },
  {
    none: 'ネットワーク経由で届くものはありません。',
    'none-text': 'このアプリケーションの Ingress、Service、Pod がここに並びます。',
    inside: 'クラスター内からのみ',
    outside: '自身のアドレスで外部から',
    'no-pods': 'セレクターに一致するこのアプリケーションの Pod がありません。',
    lost: 'このアプリケーションの外を指すもの',
    unreached: 'どの Service からも届かない Pod',
    'unreached-text': 'ワーカーやジョブであれば問題ありません。',
  },
)
