// What every peer does: take a port that the system chooses, say where it is on one line of JSON,
// keep the rest of its talk off stdout, and end when whoever started it is gone.
import http from 'node:http';
import net from 'node:net';

// Libraries log to the console: that must not be taken for the line that says "ready".
console.log = console.info = console.debug = console.error;

// The starter holds the other end of stdin. When it dies, however it dies, this ends too.
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
process.stdin.on('error', () => process.exit(0));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));

/** Says where the peer is. Once, when it answers. */
export function ready(facts) {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

/** Listens on 127.0.0.1 at PORT, or at a port that the system chooses. Returns the origin. */
export function listen(server, port = Number(process.env.PORT ?? 0)) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

/** A port that is free now, for programs that must be told one. */
export async function freePort() {
  const probe = net.createServer();
  const origin = await listen(probe, 0);
  await new Promise((resolve) => probe.close(resolve));
  return Number(new URL(origin).port);
}

/** Waits until something answers HTTP there, at most 20 seconds. */
export async function answers(url) {
  for (let tries = 0; tries < 400; tries += 1) {
    const answered = await new Promise((resolve) => {
      http.get(url, (answer) => { answer.resume(); resolve(true); }).on('error', () => resolve(false));
    });
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} does not answer`);
}

/** The whole body of a request, at most a megabyte. */
export async function body(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 1 << 20) throw new Error('too much');
  }
  return text;
}

/** Sends JSON. */
export function json(response, value, status = 200) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
