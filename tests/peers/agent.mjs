// An agent: the official TypeScript client, in the older era (SDK=1, npm @modelcontextprotocol/sdk) or
// the newer one (SDK=2, npm @modelcontextprotocol/client). Environment: URL, TOKEN. It does each line of
// stdin, a JSON of {list: true} or {call: name, arguments, meta, timeout}, and answers each with a line.
import readline from 'node:readline';

console.log = console.info = console.debug = console.error;
const modern = process.env.SDK === '2';
const { Client, StreamableHTTPClientTransport } = modern
  ? await import('@modelcontextprotocol/client')
  : {
    ...await import('@modelcontextprotocol/sdk/client/index.js'),
    ...await import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
  };

const client = new Client(
  { name: 'an-agent', version: '1.0.0' },
  modern ? { versionNegotiation: { mode: 'auto' } } : {},
);
const transport = new StreamableHTTPClientTransport(new URL(process.env.URL), {
  requestInit: { headers: { authorization: `Bearer ${process.env.TOKEN}` } },
});
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

try {
  await client.connect(transport);
} catch (error) {
  say({ refused: String(error?.message ?? error) });
  process.exit(0);
}
say({ url: process.env.URL, server: client.getServerVersion(), protocol: client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion });

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { list, call, arguments: given, meta, timeout } = JSON.parse(line);
  try {
    if (list) {
      say({ ok: await client.listTools() });
    } else {
      const asked = { name: call, arguments: given ?? {}, ...(meta ? { _meta: meta } : {}) };
      const options = timeout ? { timeout } : undefined;
      say({ ok: modern ? await client.callTool(asked, options) : await client.callTool(asked, undefined, options) });
    }
  } catch (error) {
    say({ error: String(error?.message ?? error), code: error?.code, data: error?.data });
  }
}
process.exit(0);
