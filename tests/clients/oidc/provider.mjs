// An identity provider whose people sign in by themselves: who, and in which groups, is told by /control.
// The first line it prints is its issuer. Started by tests/clients/oidc/running.py.
import { createServer } from 'node:http'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import Provider from 'oidc-provider'

const settings = JSON.parse(process.argv[2])
const people = { subject: 'u-1', groups: ['wear'] }

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), kid: randomBytes(8).toString('hex'), use: 'sig', alg: 'RS256' }
}

const client = (name) => ({
  client_id: name,
  client_secret: `secret-of-${name}`,
  redirect_uris: settings.redirects,
  post_logout_redirect_uris: settings.pages,
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
})

async function interact(provider, request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') {
    const result = { login: { accountId: people.subject } }
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
  grant.addOIDCScope(params.scope)
  grant.addOIDCClaims(prompt.details.missingOIDCClaims ?? [])
  const result = { consent: { grantId: await grant.save() } }
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true })
}

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [client('haori'), client('other')],
    jwks: { keys: [newKey()] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    claims: { openid: ['sub'], email: ['email'], groups: ['groups'], profile: ['name'] },
    features: { claimsParameter: { enabled: true }, devInteractions: { enabled: false } },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: { AccessToken: 60, IdToken: settings.idTokenSeconds, RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600 },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@wear.example`, name: id, groups: people.groups }),
    }),
  })
  const answer = provider.callback()
  server.on('request', (request, response) => {
    const url = new URL(request.url, issuer)
    if (url.pathname === '/control') {
      people.subject = url.searchParams.get('subject') ?? people.subject
      people.groups = url.searchParams.getAll('group')
      response.end('ok')
    } else if (url.pathname.startsWith('/interaction/')) {
      interact(provider, request, response).catch((error) => {
        response.statusCode = 500
        response.end(String(error))
      })
    } else {
      answer(request, response)
    }
  })
  console.log(issuer)
})
