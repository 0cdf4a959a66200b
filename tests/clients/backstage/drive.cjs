// Backstage's Argo CD plugin as its backend would load it: its own router under Express, its own actions, its own service.
// Of the framework there is what the plugin asks of it: who signed in (somebody), whether they may (yes), a log (silent).
// Reads {modules, config} from stdin, prints the port; GET below /api is the router, POST /actions/NAME runs an action.
'use strict';

const path = require('node:path');

async function main() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const { modules, config } = JSON.parse(Buffer.concat(chunks).toString());
  const load = (...name) => require(path.join(modules, ...name));
  const plugin = (...name) => load('@backstage-community', 'plugin-argocd-backend', 'dist', ...name);

  const { ConfigReader } = load('@backstage', 'config');
  const { ArgoCDService } = load('@backstage-community', 'plugin-argocd-node');
  const express = load('express');

  const logger = Object.fromEntries(['debug', 'info', 'warn', 'error'].map(level => [level, () => {}]));
  const permissions = { authorize: async asked => asked.map(() => ({ result: 'ALLOW' })) };
  const options = { config: new ConfigReader(config), logger, permissions };

  const app = express();
  app.use('/api', await plugin('router.cjs.js').createRouter({ ...options, httpAuth: { credentials: async () => ({}) } }));

  const actions = new Map();
  const actionsRegistry = { register: action => actions.set(action.name, action) };
  const argoCDService = new ArgoCDService(options.config, logger);
  plugin('actions', 'index.cjs.js').createArgoCDActions({ ...options, actionsRegistry, argoCDService });
  app.get('/actions', (_, res) => res.json([...actions.keys()]));
  app.post('/actions/:name', express.json(), async (req, res, next) => {
    try {
      res.json((await actions.get(req.params.name).action({ input: req.body, credentials: {}, logger })).output);
    } catch (error) {
      next(error);
    }
  });

  app.use((error, _req, res, _next) => res.status(500).json({ name: error.name, message: error.message }));
  const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
}

main();
