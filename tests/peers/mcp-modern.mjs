// A server of the revision 2026-07-28 (npm @modelcontextprotocol/server 2.x): no sessions, no
// handshake. Environment: PORT; LEGACY=reject refuses older clients, else both eras are served;
// MODE=json|sse|auto (auto); TOKEN asks for that bearer token.
import http from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { listen, ready } from './peer.mjs';

function build() {
  const mcp = new McpServer({ name: 'modern', title: 'Modern tests', version: '2.0.0' });
  const text = (value) => ({ content: [{ type: 'text', text: value }] });
  mcp.registerTool('greet', {
    title: 'Greet', description: 'Greets by name.', inputSchema: z.object({ name: z.string() }),
    annotations: { readOnlyHint: true },
  }, async ({ name }) => text(`Hello, ${name}!`));
  mcp.registerTool('route', {
    title: 'Route', description: 'Its argument is repeated in a header.',
    inputSchema: z.object({ region: z.string().meta({ 'x-mcp-header': 'Region' }) }),
    annotations: { readOnlyHint: true },
  }, async ({ region }) => text(`routed to ${region}`));
  mcp.registerTool('remove', {
    title: 'Remove', description: 'Says that it would destroy something.', inputSchema: z.object({}),
    annotations: { destructiveHint: true },
  }, async () => text('nothing was removed'));
  mcp.registerTool('fail', {
    title: 'Fail', description: 'Always fails.', inputSchema: z.object({}),
  }, async () => ({ ...text('it failed, as it should'), isError: true }));
  mcp.registerTool('slow', {
    title: 'Take your time', description: 'Answers after some milliseconds.',
    inputSchema: z.object({ ms: z.number().int().min(0).max(60_000) }), annotations: { readOnlyHint: true },
  }, async ({ ms }) => { await new Promise((done) => setTimeout(done, ms)); return text(`${ms} ms later`); });
  return mcp;
}

const handler = createMcpHandler(build, {
  legacy: process.env.LEGACY === 'reject' ? 'reject' : 'stateless',
  responseMode: process.env.MODE ?? 'auto',
  onerror: (error) => console.error(error.message),
});
const serve = toNodeHandler(handler);
const server = http.createServer((request, response) => {
  if (new URL(request.url, 'http://x').pathname !== '/mcp') {
    response.writeHead(404).end();
  } else if (process.env.TOKEN && request.headers.authorization !== `Bearer ${process.env.TOKEN}`) {
    response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
  } else {
    serve(request, response);
  }
});
const origin = await listen(server);
ready({ url: `${origin}/mcp` });
