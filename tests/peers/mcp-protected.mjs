// An MCP server (npm @modelcontextprotocol/sdk, revisions up to 2025-11-25, with sessions) that
// accepts only access tokens of ISSUER whose audience is this very server (RFC 8707, RFC 9728), and
// writing only with the scope tools:write.
//
// Environment: PORT; ISSUER (required).
//
// For tests, beside the real endpoints:
//   GET  /test/log        every request to /mcp: method, status, JSON-RPC method, tool, audience of its token
//   POST /test/set?…      resource=URL (what the metadata claims to be), issuer=URL (where it sends clients),
//                         challenge=full|bare|none (the WWW-Authenticate of a 401), refuse=401|403|429|500|none,
//                         drop-sessions=1
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { z } from 'zod';
import { body, json, listen, ready } from './peer.mjs';

const ISSUER = process.env.ISSUER;
if (!ISSUER) throw new Error('ISSUER is not set: the URL of the peer "oidc"');
const keys = createRemoteJWKSet(new URL('/jwks', ISSUER));

const server = http.createServer();
const origin = await listen(server);
const resource = `${origin}/mcp`;
const metadataAt = `${origin}/.well-known/oauth-protected-resource/mcp`;

const settings = { resource, issuer: ISSUER, challenge: 'full', refuse: 'none' };
const log = [];
const sessions = new Map();
const items = ['first', 'second'];

function tools(claims) {
  const mcp = new McpServer({ name: 'protected', title: 'Protected tests', version: '1.2.3' });
  const text = (value) => ({ content: [{ type: 'text', text: value }] });
  mcp.registerTool('whoami', {
    title: 'Who am I', description: 'Tells whose token this is and what it may do.', inputSchema: {},
    annotations: { readOnlyHint: true },
  }, async () => text(JSON.stringify({ sub: claims.sub, aud: claims.aud, scope: claims.scope })));
  mcp.registerTool('list_items', {
    title: 'List items', description: 'Lists the items.', inputSchema: {}, annotations: { readOnlyHint: true },
  }, async () => text(items.join('\n')));
  mcp.registerTool('add_item', {
    title: 'Add an item', description: 'Adds an item. Needs the scope tools:write.', inputSchema: { name: z.string() },
    annotations: { readOnlyHint: false, destructiveHint: false },
  }, async ({ name }) => { items.push(name); return text(`added ${name}`); });
  mcp.registerTool('clear_items', {
    title: 'Remove all items', description: 'Removes every item. Needs the scope tools:write.', inputSchema: {},
    annotations: { destructiveHint: true },
  }, async () => { items.length = 0; return text('empty now'); });
  mcp.registerTool('slow', {
    title: 'Take your time', description: 'Answers after some milliseconds.',
    inputSchema: { ms: z.number().int().min(0).max(60_000) }, annotations: { readOnlyHint: true },
  }, async ({ ms }) => { await new Promise((done) => setTimeout(done, ms)); return text(`${ms} ms later`); });
  return mcp;
}

function refuse(response, status, error, extra = '') {
  const challenge = {
    full: `Bearer ${error ? `error="${error}", ` : ''}scope="tools:read tools:write", resource_metadata="${metadataAt}"${extra}`,
    bare: 'Bearer',
    none: undefined,
  }[settings.challenge];
  response.writeHead(status, { 'content-type': 'application/json', ...(challenge && { 'www-authenticate': challenge }) });
  response.end(JSON.stringify({ error: error ?? 'unauthorized' }));
}

/** The token's claims, or undefined after the refusal has been sent. */
async function admit(request, response, entry) {
  const token = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (!token) { refuse(response, 401); return undefined; }
  try { entry.aud = decodeJwt(token).aud; } catch { entry.aud = null; }
  try {
    return (await jwtVerify(token, keys, { issuer: ISSUER, audience: resource })).payload;
  } catch (error) {
    console.error('refused:', error.message);
    refuse(response, 401, 'invalid_token');
    return undefined;
  }
}

async function mcp(request, response) {
  const entry = { method: request.method };
  log.push(entry);
  response.on('close', () => { entry.status = response.statusCode; });
  const message = request.method === 'POST' ? JSON.parse(await body(request)) : undefined;
  entry.rpc = message?.method ?? null;
  entry.tool = message?.params?.name ?? null;
  switch (settings.refuse) {
    case '401': return refuse(response, 401, 'invalid_token');
    case '403': return refuse(response, 403, 'insufficient_scope');
    case '429': response.writeHead(429, { 'retry-after': '7' }); return response.end();
    case '500': response.writeHead(500); return response.end('it broke');
    default:
  }
  const claims = await admit(request, response, entry);
  if (!claims) return undefined;
  const writes = message?.method === 'tools/call' && ['add_item', 'clear_items'].includes(message.params?.name);
  if (writes && !String(claims.scope ?? '').split(' ').includes('tools:write')) {
    return refuse(response, 403, 'insufficient_scope');
  }
  const id = request.headers['mcp-session-id'];
  if (id) {
    const session = sessions.get(id);
    if (!session || session.sub !== claims.sub) {
      return json(response, { jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null }, 404);
    }
    return session.transport.handleRequest(request, response, message);
  }
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (made) => sessions.set(made, { transport, sub: claims.sub }),
  });
  transport.onclose = () => sessions.delete(transport.sessionId);
  await tools(claims).connect(transport);
  return transport.handleRequest(request, response, message);
}

server.on('request', async (request, response) => {
  const url = new URL(request.url, origin);
  try {
    switch (url.pathname) {
      case '/mcp': return await mcp(request, response);
      case '/.well-known/oauth-protected-resource/mcp':
      case '/.well-known/oauth-protected-resource':
        return json(response, {
          resource: settings.resource, authorization_servers: [settings.issuer],
          scopes_supported: ['tools:read', 'tools:write'], bearer_methods_supported: ['header'],
          resource_name: 'Protected tests',
        });
      case '/test/log': return json(response, log);
      case '/test/set':
        Object.assign(settings, Object.fromEntries(url.searchParams));
        if (url.searchParams.has('drop-sessions')) sessions.clear();
        return json(response, settings);
      default: return json(response, { error: 'not found' }, 404);
    }
  } catch (error) {
    console.error(error);
    if (!response.headersSent) json(response, { error: String(error) }, 500);
    return undefined;
  }
});

ready({ url: resource, resource, metadata: metadataAt });
