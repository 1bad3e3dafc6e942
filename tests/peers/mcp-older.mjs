// A server of the revision 2025-11-25 with sessions (npm @modelcontextprotocol/sdk), which tells of
// progress and heeds a cancellation. POST /test/state tells how many calls of `wait` are under way and how
// many were cancelled.
import http from 'node:http';
import { randomUUID } from 'node:crypto';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';
import { json, listen, ready } from './peer.mjs';

const state = { waiting: 0, cancelled: 0 };

function build() {
  const mcp = new McpServer({ name: 'older', version: '1.0.0' });
  const text = (value) => ({ content: [{ type: 'text', text: value }] });
  const annotations = { readOnlyHint: true };
  mcp.registerTool('greet', {
    description: 'Greets by name.', inputSchema: { name: z.string() }, annotations,
  }, async ({ name }) => text(`Hello, ${name}!`));
  mcp.registerTool('fail', { description: 'Always fails.', inputSchema: {} },
    async () => ({ ...text('it failed, as it should'), isError: true }));
  mcp.registerTool('count', {
    description: 'Tells of each step.', inputSchema: { steps: z.number().int() }, annotations,
  }, async ({ steps }, extra) => {
    const progressToken = extra._meta?.progressToken;
    for (let progress = 1; progress <= steps; progress += 1) {
      const params = { progressToken, progress, total: steps, message: `step ${progress}` };
      if (progressToken !== undefined) await extra.sendNotification({ method: 'notifications/progress', params });
      await new Promise((done) => setTimeout(done, 40));
    }
    return text(`counted to ${steps}`);
  });
  mcp.registerTool('wait', { description: 'Waits until it is cancelled.', inputSchema: {}, annotations },
    async (_, { signal }) => {
      state.waiting += 1;
      await new Promise((done) => signal.addEventListener('abort', done));
      state.waiting -= 1;
      state.cancelled += 1;
      return text('cancelled');
    });
  mcp.registerTool('ask', { description: 'Asks the person and the model.', inputSchema: {}, annotations },
    async (_, extra) => {
      const asked = [];
      for (const [method, params, schema] of [
        ['elicitation/create', { message: 'Who are you?', requestedSchema: { type: 'object', properties: {} } }, z.any()],
        ['sampling/createMessage', { messages: [], maxTokens: 1 }, z.any()],
      ]) {
        try {
          asked.push(JSON.stringify(await extra.sendRequest({ method, params }, schema)));
        } catch (error) {
          asked.push(`refused: ${error.code ?? ''} ${error.message}`);
        }
      }
      return text(asked.join('\n'));
    });
  return mcp;
}

const sessions = new Map();
const server = http.createServer(async (request, response) => {
  if (request.url === '/test/state') return json(response, state);
  if (request.url !== '/mcp') return response.writeHead(404).end();
  let transport = sessions.get(request.headers['mcp-session-id']);
  if (!transport) {
    transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => sessions.set(id, transport),
    });
    await build().connect(transport);
  }
  return transport.handleRequest(request, response);
});
ready({ url: `${await listen(server)}/mcp` });
