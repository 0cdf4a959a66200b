import { defineWords } from '@/shared/words'

export const words = defineWords(
  {
    lead: 'How the console looks in this browser. Nobody else sees a change.',
    theme: 'Colours',
    'theme-system': 'As the system',
    'theme-light': 'Light',
    'theme-dark': 'Dark',
    'theme-contrast': 'High contrast',
    'text-system': 'Light by day and dark by night where the system does so.',
    'text-light': 'Dark letters on a light ground.',
    'text-dark': 'Light letters on a dark ground.',
    'text-contrast': 'White and yellow on black, with clear borders.',
    language: 'Language',
    sample: 'So it looks',
  },
  {
    lead: 'このブラウザーでの表示です。ほかの人には影響しません。',
    theme: '配色',
    'theme-system': 'システムに合わせる',
    'theme-light': 'ライト',
    'theme-dark': 'ダーク',
    'theme-contrast': 'ハイコントラスト',
    'text-system': 'システムの設定に従い、昼は明るく夜は暗くなります。',
    'text-light': '明るい背景に暗い文字。',
    'text-dark': '暗い背景に明るい文字。',
    'text-contrast': '黒い背景に白と黄。境界がはっきりします。',
    language: '言語',
    sample: '表示例',
  },
)
