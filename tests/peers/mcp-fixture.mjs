// The tools that MCP's conformance suite asks of a server, in both eras (npm @modelcontextprotocol/server
// 2.x). Environment: PORT.
import http from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { listen, ready } from './peer.mjs';

// One red pixel, and a moment of silence.
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

const text = (value) => ({ type: 'text', text: value });
const image = { type: 'image', data: PNG, mimeType: 'image/png' };
const resource = (uri, mimeType, value) => ({ type: 'resource', resource: { uri, mimeType, text: value } });

const TOOLS = {
  test_simple_text: () => ({ content: [text('This is a simple text response for testing.')] }),
  test_image_content: () => ({ content: [image] }),
  test_audio_content: () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] }),
  test_embedded_resource: () => ({
    content: [resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
  }),
  test_multiple_content_types: () => ({
    content: [
      text('Multiple content types test:'), image,
      resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ],
  }),
  test_error_handling: () => ({
    content: [text('This tool intentionally returns an error for testing')], isError: true,
  }),
  test_tool_with_progress: async ({ mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      const params = { progressToken, progress, total: 100, message: `Completed step ${progress} of 100` };
      if (progressToken !== undefined) await mcpReq.notify({ method: 'notifications/progress', params });
      await new Promise((done) => setTimeout(done, 50));
    }
    return { content: [text('done')] };
  },
};

function build() {
  const mcp = new McpServer({ name: 'fixture', version: '1.0.0' });
  for (const [name, answer] of Object.entries(TOOLS)) {
    const told = { description: `Answers as the suite expects of ${name}.`, inputSchema: z.object({}) };
    mcp.registerTool(name, told, async (_, context) => answer(context));
  }
  return mcp;
}

const serve = toNodeHandler(createMcpHandler(build, { legacy: 'stateless', onerror: (error) => console.error(error.message) }));
const server = http.createServer(serve);
const origin = await listen(server);
ready({ url: `${origin}/mcp` });
