// A server of the revision 2026-07-28 (npm @modelcontextprotocol/server 2.x): no sessions, no
// handshake. Environment: PORT; LEGACY=reject refuses older clients, else both eras are served;
// MODE=json|sse|auto (auto); TOKEN asks for that bearer token. POST /test/state tells how many calls of
// `wait` are under way and how many were cancelled.
import http from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { json, listen, ready } from './peer.mjs';

const state = { waiting: 0, cancelled: 0 };

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
  mcp.registerTool('count', {
    title: 'Count', description: 'Tells of each step.', inputSchema: z.object({ steps: z.number().int() }),
    annotations: { readOnlyHint: true },
  }, async ({ steps }, { mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    for (let progress = 1; progress <= steps; progress += 1) {
      const params = { progressToken, progress, total: steps, message: `step ${progress}` };
      if (progressToken !== undefined) await mcpReq.notify({ method: 'notifications/progress', params });
      await new Promise((done) => setTimeout(done, 40));
    }
    return text(`counted to ${steps}`);
  });
  mcp.registerTool('wait', {
    title: 'Wait', description: 'Waits until it is cancelled.', inputSchema: z.object({}),
    annotations: { readOnlyHint: true },
  }, async (_, { mcpReq }) => {
    state.waiting += 1;
    await new Promise((done) => mcpReq.signal.addEventListener('abort', done));
    state.waiting -= 1;
    state.cancelled += 1;
    return text('cancelled');
  });
  return mcp;
}

const handler = createMcpHandler(build, {
  legacy: process.env.LEGACY === 'reject' ? 'reject' : 'stateless',
  responseMode: process.env.MODE ?? 'auto',
  onerror: (error) => console.error(error.message),
});
const serve = toNodeHandler(handler);
const server = http.createServer((request, response) => {
  if (request.url === '/test/state') {
    json(response, state);
  } else if (new URL(request.url, 'http://x').pathname !== '/mcp') {
    response.writeHead(404).end();
  } else if (process.env.TOKEN && request.headers.authorization !== `Bearer ${process.env.TOKEN}`) {
    response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
  } else {
    serve(request, response);
  }
});
const origin = await listen(server);
ready({ url: `${origin}/mcp` });
