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
    help: 'How to get in',
    'help-link': 'Where it runs by “haori up”, this prints a link that signs you in. Type it on that machine:',
    'help-cluster': 'Where it runs in a cluster, this prints such a link:',
    'help-password': 'The first password of “admin”, as long as its Secret is there:',
    'help-else': 'If you may do none of this, ask whoever runs this installation.',
    link: 'Signing you in by the link…',
    'link-failed': 'The link no longer works: it is good for two minutes, once. “haori open” makes a new one.',
  },
  {
    title: 'サインイン',
    lead: '何が動き、なぜ動かず、どう戻すか。',
    username: 'ユーザー名',
    password: 'パスワード',
    submit: 'サインイン',
    provider: '{name} でサインイン',
    or: 'または',
    help: '入り方',
    'help-link': '“haori up” で動かしている場合は、そのマシンで次を実行すると、サインイン用のリンクが表示されます:',
    'help-cluster': 'クラスターで動かしている場合は、次でリンクが表示されます:',
    'help-password': '“admin” の最初のパスワード（Secret が残っている間）:',
    'help-else': 'いずれもできない場合は、管理者にお問い合わせください。',
    link: 'リンクでサインインしています…',
    'link-failed':
      'リンクは使えなくなりました。有効なのは 2 分間、1 回だけです。“haori open” で新しいリンクを作れます。',
  },
)
