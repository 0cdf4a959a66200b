import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// `npm run dev` speaks to a server that runs already: `url` and `token` of server/server.json in its data folder.
const server = process.env['HAORI_URL'] ?? 'http://127.0.0.1:8080'
const token = process.env['HAORI_TOKEN']
const proxied = {
  target: server,
  changeOrigin: true,
  ws: true,
  ...(token ? { headers: { Authorization: `Bearer ${token}` } } : {}),
}

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    target: 'es2022',
    // Data URLs in styles would need a wider policy than 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': proxied, '/auth': proxied, '/terminal': proxied } },
  test: {
    environment: 'happy-dom',
    setupFiles: ['src/test-setup.ts'],
    testTimeout: 20_000,
    css: false,
  },
})
