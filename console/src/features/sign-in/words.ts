import { defineWords } from '@/shared/words'

export const words = defineWords(
  {
    title: 'Sign in',
    lead: 'What runs, why it does not, and how to get it back.',
    username: 'User name',
    password: 'Password',
    submit: 'Sign in',
    provider: 'Sign in with {name}',
    or: 'or',
    link: 'Signing you in by the link…',
    'link-failed': 'The link no longer works: it is good for two minutes, once. `haori open` makes a new one.',
  },
  {
    title: 'サインイン',
    lead: '何が動き、なぜ動かず、どう戻すか。',
    username: 'ユーザー名',
    password: 'パスワード',
    submit: 'サインイン',
    provider: '{name} でサインイン',
    or: 'または',
    link: 'リンクでサインインしています…',
    'link-failed':
      'リンクは使えなくなりました。有効なのは 2 分間、1 回だけです。`haori open` で新しいリンクを作れます。',
  },
)
