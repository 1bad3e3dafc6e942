// A certified authorization server (npm oidc-provider): PKCE required, rotation whose reuse kills
// the family, revocation, introspection, registration, device flow, `iss`, and access tokens whose
// audience is the resource that was asked for (RFC 8707). Sign in as anyone, with any password.
//
// Environment: PORT; ACCESS_TTL and REFRESH_TTL in seconds (300, 3600); TOKENS=jwt|opaque (jwt);
// NO_REFRESH: no refresh token is given.
//
// For tests, beside the real endpoints:
//   GET  /test/log              every request so far: path, status, names and some values of its parameters
//   POST /test/set?…            metadata=wrong-issuer|no-pkce|no-registration|ok, iss=wrong|none|ok
//   POST /test/fail?path=/token&mode=html|500|503|redirect|json|hang|lose[&to=URL][&count=N]
//                               the next N (1) requests to path are answered like that; `lose` lets
//                               the server act and then drops the answer
//   GET  /test/failures         what is left of those
//   POST /test/end-grants       every grant ends, as an administrator there could do
//   GET  /test/token?token=…    what the server thinks of a refresh or opaque access token
//   GET  /test/issued           every secret that it gave out or was sent, by kind, oldest first
import http from 'node:http';
import Provider from 'oidc-provider';
import { exportJWK, generateKeyPair } from 'jose';
import { body, json, listen, ready } from './peer.mjs';

const ACCESS_TTL = Number(process.env.ACCESS_TTL ?? 300);
const REFRESH_TTL = Number(process.env.REFRESH_TTL ?? 3600);
const FORMAT = process.env.TOKENS ?? 'jwt';
const SCOPES = 'tools:read tools:write';

const server = http.createServer();
const issuer = await listen(server);

// Its own keys and cookie keys: the library's are for a quick start and make it warn.
const { privateKey } = await generateKeyPair('RS256', { extractable: true });
const provider = new Provider(issuer, {
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'peer' }] },
  cookies: { keys: ['only for tests'] },
  clients: [{
    client_id: 'chief-preregistered', application_type: 'native', token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'], redirect_uris: ['http://127.0.0.1/callback'],
  }, ...['basic', 'post'].map((way) => ({
    // Apps that a company registered itself, each with its own way to show who it is.
    client_id: `company-${way}`, client_secret: `only/for+tests:${way}&%`, application_type: 'native',
    token_endpoint_auth_method: `client_secret_${way}`, grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'], redirect_uris: ['http://127.0.0.1/callback'],
  })), {
    // Whoever may ask about any token: a resource server.
    client_id: 'inspector', client_secret: 'inspector-secret', redirect_uris: [], response_types: [], grant_types: [],
  }],
  findAccount: (_ctx, sub) => ({
    accountId: sub,
    claims: () => ({ sub, name: `${sub} of the tests`, email: `${sub}@example.com`, email_verified: true }),
  }),
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
  pkce: { required: () => true },
  scopes: ['openid', 'offline_access', ...SCOPES.split(' ')],
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true, allowedPolicy: () => true },
    introspection: { enabled: true, allowedPolicy: () => true },
    deviceFlow: { enabled: true },
    registration: { enabled: true },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_ctx, resource) => ({
        scope: SCOPES, audience: resource, accessTokenTTL: ACCESS_TTL, accessTokenFormat: FORMAT,
        ...(FORMAT === 'jwt' && { jwt: { sign: { alg: 'RS256' } } }),
      }),
    },
  },
  issueRefreshToken: async (_ctx, client) => !process.env.NO_REFRESH && client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  ttl: {
    AccessToken: ACCESS_TTL, RefreshToken: REFRESH_TTL, AuthorizationCode: 60, DeviceCode: 120, IdToken: 300,
    Interaction: 600, Session: 3600, Grant: 86_400,
  },
});

const settings = { metadata: 'ok', iss: 'ok' };
const log = [];
const issued = [];
const SECRET = ['access_token', 'refresh_token', 'id_token', 'client_secret', 'registration_access_token', 'code', 'state', 'code_verifier'];

/** Keeps the secrets among these parameters. */
function keep(parameters) {
  for (const [kind, value] of parameters) {
    if (SECRET.includes(kind) && value && !issued.some((each) => each.value === value)) issued.push({ kind, value });
  }
}
let failures = [];

provider.use(async (ctx, next) => {
  // RFC 6749 section 3.3: a server may choose the scope where none is asked for.
  if (ctx.path === '/auth' && ctx.query.scope === undefined) ctx.query = { ...ctx.query, scope: 'tools:read' };
  await next();
  if (ctx.path.startsWith('/.well-known/') && ctx.body && typeof ctx.body === 'object') {
    const metadata = { ...ctx.body };
    if (settings.metadata === 'wrong-issuer') metadata.issuer = 'https://evil.example';
    if (settings.metadata === 'no-pkce') delete metadata.code_challenge_methods_supported;
    if (settings.metadata === 'no-registration') delete metadata.registration_endpoint;
    ctx.body = metadata;
  }
  if (ctx.body && typeof ctx.body === 'object') keep(Object.entries(ctx.body));
  const location = ctx.response.get('location');
  if (/[?&](code|state)=/.test(location)) keep(new URL(location, issuer).searchParams);
  if (settings.iss !== 'ok' && /[?&]code=/.test(location)) {
    const to = new URL(location);
    if (settings.iss === 'wrong') to.searchParams.set('iss', 'https://evil.example');
    else to.searchParams.delete('iss');
    ctx.set('location', to.href);
  }
});

for (const event of ['server_error', 'grant.error', 'registration_create.error', 'authorization.error', 'revocation.error']) {
  provider.on(event, (_ctx, error) => console.error(event, error.message, error.error_description ?? ''));
}

/** Parameter values that tests may see; the rest only by name. */
const SHOWN = ['resource', 'scope', 'grant_type', 'client_id', 'code_challenge_method', 'application_type', 'token_type_hint', 'redirect_uri'];

function note(url, method, parameters, status) {
  const entries = [...parameters].map(([name, value]) => [name, SHOWN.includes(name) ? value : '…']);
  log.push({ method, path: url.pathname, status, parameters: Object.fromEntries(entries) });
}

async function parametersOf(request, url) {
  // The provider reads the body itself: look at it without taking it away.
  if (request.method !== 'POST') return url.searchParams;
  const text = await body(request);
  request.body = text;
  const type = request.headers['content-type'] ?? '';
  if (type.includes('json')) {
    const value = JSON.parse(text || '{}');
    request.body = value;
    return Object.entries(value).map(([name, entry]) => [name, String(entry)]);
  }
  if (type.includes('form')) {
    request.body = Object.fromEntries(new URLSearchParams(text));
    return new URLSearchParams(text);
  }
  return [];
}

function fail(failure, response) {
  switch (failure.mode) {
    case 'html': response.writeHead(200, { 'content-type': 'text/html' }); response.end('<h1>Welcome to the hotel wifi</h1>'); break;
    case 'json': response.writeHead(200, { 'content-type': 'application/json' }); response.end('{"not":"a token"}'); break;
    case '500': response.writeHead(500, { 'content-type': 'text/plain' }); response.end('it broke'); break;
    case '503': response.writeHead(503, { 'retry-after': '7' }); response.end(); break;
    case 'client': response.writeHead(401, { 'content-type': 'application/json' }); response.end('{"error":"invalid_client","error_description":"client authentication failed"}'); break;
    case 'redirect': response.writeHead(307, { location: failure.to ?? 'http://127.0.0.1:9/token' }); response.end(); break;
    case 'hang': break;
    default: response.writeHead(500); response.end(`no such mode: ${failure.mode}`);
  }
}

async function control(request, response, url) {
  const ask = Object.fromEntries(url.searchParams);
  switch (url.pathname) {
    case '/test/log': return json(response, log);
    case '/test/issued': return json(response, issued);
    case '/test/set': Object.assign(settings, ask); return json(response, settings);
    case '/test/fail': failures.push({ ...ask, count: Number(ask.count ?? 1) }); return json(response, failures);
    case '/test/failures': return json(response, failures);
    case '/test/end-grants': {
      const ended = [...grants];
      for (const id of ended) {
        await (await provider.Grant.find(id))?.destroy();
        for (const kind of ['AccessToken', 'RefreshToken', 'AuthorizationCode']) await provider[kind].revokeByGrantId(id);
      }
      grants.clear();
      return json(response, { ended: ended.length });
    }
    case '/test/token': {
      const found = (await provider.RefreshToken.find(ask.token)) ?? (await provider.AccessToken.find(ask.token));
      return json(response, { known: Boolean(found), kind: found?.kind ?? null, active: Boolean(found?.isValid) });
    }
    default: return json(response, { error: 'no such test endpoint' }, 404);
  }
}

const grants = new Set();
for (const kind of ['refresh_token.saved', 'access_token.saved', 'access_token.issued']) {
  provider.on(kind, (token) => token.grantId && grants.add(token.grantId));
}

const serve = provider.callback();
server.on('request', async (request, response) => {
  const url = new URL(request.url, issuer);
  try {
    if (url.pathname.startsWith('/test/')) return await control(request, response, url);
    const parameters = await parametersOf(request, url);
    keep(parameters);
    response.on('close', () => note(url, request.method, parameters, response.statusCode));
    const failure = failures.find((each) => each.path === url.pathname && each.count > 0);
    if (failure) {
      failure.count -= 1;
      if (failure.mode !== 'lose') return fail(failure, response);
      // The server acts; the answer never arrives.
      response.end = () => { request.socket.resetAndDestroy(); return response; };
      response.write = () => true;
    }
    serve(request, response);
  } catch (error) {
    console.error(error);
    if (!response.headersSent) json(response, { error: String(error) }, 500);
  }
});

ready({ url: issuer, issuer });
