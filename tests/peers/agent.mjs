// An agent: the official TypeScript client, in the older era (SDK=1, npm @modelcontextprotocol/sdk) or
// the newer one (SDK=2, npm @modelcontextprotocol/client). Environment: URL and TOKEN; or COMMAND, a JSON of
// {command, args, env}, for stdio. It does each line of stdin, a JSON of {list: true} or {call: name,
// arguments, meta, timeout, progress, abort}, and answers each with a line. progress: tell what was heard of
// it. abort: cancel after so many milliseconds. With NEWS it listens, and {news: n} waits until it was told n
// times that the tools have changed.
import readline from 'node:readline';

console.log = console.info = console.debug = console.error;
const modern = process.env.SDK === '2';
const { Client, StreamableHTTPClientTransport, StdioClientTransport } = modern
  ? { ...await import('@modelcontextprotocol/client'), ...await import('@modelcontextprotocol/client/stdio') }
  : {
    ...await import('@modelcontextprotocol/sdk/client/index.js'),
    ...await import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
    ...await import('@modelcontextprotocol/sdk/client/stdio.js'),
  };

let told = 0;
const client = new Client(
  { name: 'an-agent', version: '1.0.0' },
  {
    ...(modern ? { versionNegotiation: { mode: 'auto' } } : {}),
    ...(process.env.NEWS
      ? { listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => { told += 1; } } } }
      : {}),
  },
);
const transport = process.env.COMMAND
  ? new StdioClientTransport(JSON.parse(process.env.COMMAND))
  : new StreamableHTTPClientTransport(new URL(process.env.URL), {
    requestInit: { headers: { authorization: `Bearer ${process.env.TOKEN}` } },
  });
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

try {
  await client.connect(transport);
} catch (error) {
  say({ refused: String(error?.message ?? error) });
  process.exit(0);
}
say({
  url: process.env.URL, server: client.getServerVersion(), pid: transport.pid,
  protocol: client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion,
});

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { list, news, call, arguments: given, meta, timeout, progress, abort } = JSON.parse(line);
  const heard = progress ? [] : undefined;
  try {
    if (list) {
      say({ ok: await client.listTools() });
      continue;
    }
    if (news) {
      for (let n = 0; told < news && n < 1_000; n += 1) await new Promise((next) => setTimeout(next, 20));
      say({ ok: told });
      continue;
    }
    const asked = { name: call, arguments: given ?? {}, ...(meta ? { _meta: meta } : {}) };
    const options = { timeout: timeout ?? 60_000 };
    if (progress) options.onprogress = (step) => heard.push(step);
    if (abort) options.signal = AbortSignal.timeout(abort);
    say({ ok: modern ? await client.callTool(asked, options) : await client.callTool(asked, undefined, options), heard });
  } catch (error) {
    say({ error: String(error?.message ?? error), code: error?.code, data: error?.data, heard });
  }
}
// What is under way ends with the connection.
await client.close();
process.exit(0);
