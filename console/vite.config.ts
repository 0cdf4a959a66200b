import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import type { HtmlTagDescriptor, Plugin, Rolldown } from 'vite'
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

/** What every page needs is named in the page itself: its fetch begins before the script has run that imports it. */
function preloadProgram(module: string): Plugin {
  return {
    name: 'preload-program',
    transformIndexHtml: {
      order: 'post',
      handler: (html, { bundle = {} }) => {
        const chunks = Object.values(bundle).filter((each) => each.type === 'chunk')
        const program = chunks.find((each) => each.facadeModuleId?.endsWith(module))
        if (!program) return []
        const needed = new Set<Rolldown.OutputChunk>([program])
        for (const chunk of needed) {
          for (const each of chunks) if (chunk.imports.includes(each.fileName)) needed.add(each)
        }
        const styles = [...needed].flatMap((each) => [...(each.viteMetadata?.importedCss ?? [])])
        const link = (rel: string, file: string): HtmlTagDescriptor => ({
          tag: 'link',
          attrs: { rel, crossorigin: true, href: `/${file}` },
          injectTo: 'head',
        })
        return [
          ...[...needed].map((each) => link('modulepreload', each.fileName)),
          ...styles.map((file) => link('stylesheet', file)),
        ].filter((tag) => !html.includes(`"${tag.attrs?.['href']}"`))
      },
    },
  }
}

export default defineConfig({
  plugins: [react(), preloadProgram('/src/app/main.tsx')],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    target: 'es2022',
    // Data URLs in styles would need a wider policy than 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What is needed together is fetched together, each with all it needs itself that no chunk before has: a browser
        // asks a server for six things at a time, and what is shared would else be many small ones.
        codeSplitting: {
          groups: [
            { name: 'begin', test: /\/src\/app\/(pages|queries)\.ts$/, priority: 5 },
            { name: 'program', test: /\/src\/app\/app\.tsx$|\/node_modules\/react-dom\//, priority: 4 },
            { name: 'virtual', test: /\/node_modules\/@tanstack\/(react|virtual)-(virtual|core)\//, priority: 3 },
            { name: 'icons', test: /\/node_modules\/lucide-react\//, priority: 3 },
            { name: 'applications', test: /\/src\/features\/applications\/page\.tsx$/, priority: 2 },
            { name: 'application', test: /\/src\/features\/application\/(page|tree\/tab)\.tsx$/, priority: 1 },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': proxied, '/auth': proxied, '/terminal': proxied } },
  test: {
    environment: 'happy-dom',
    setupFiles: ['src/test-setup.ts'],
    testTimeout: 20_000,
    css: false,
  },
})
