import { defineWords } from '@/shared/words'

export const words = defineWords(
  {
    terminal: 'Terminal',
    container: 'Container',
    open: 'Open a terminal',
    lead: 'A shell inside the container, for looking. What you change there is gone with the Pod; opening and closing stand in the audit.',
    off: 'Terminals are switched off here.',
    'off-how': 'Whoever runs the platform switches them on with exec.enabled: "true" in the ConfigMap argocd-cm.',
    lacks: 'You lack the permission: {permission}',
    'not-running': 'The container does not run.',
    connecting: 'Connecting…',
    connected: 'Connected to {container}',
    ended: 'The terminal has ended.',
    refused:
      'The terminal could not be opened, or was cut off. The image may have no shell, or the container has ended.',
    again: 'Open another',
  },
  {
    terminal: 'ターミナル',
    container: 'コンテナー',
    open: 'ターミナルを開く',
    lead: 'コンテナーの中のシェルです。確認のために使います。ここでの変更は Pod とともに消え、開閉は監査ログに残ります。',
    off: 'ここではターミナルは無効です。',
    'off-how': '基盤の管理者が ConfigMap argocd-cm の exec.enabled: "true" で有効にできます。',
    lacks: '権限がありません: {permission}',
    'not-running': 'コンテナーが動いていません。',
    connecting: '接続中…',
    connected: '{container} に接続しました',
    ended: 'ターミナルが終わりました。',
    refused:
      'ターミナルを開けなかったか、切断されました。イメージにシェルがないか、コンテナーが終了した可能性があります。',
    again: 'もう一度開く',
  },
)
