// A TCP proxy that misbehaves on command. Environment: UPSTREAM (URL, required), PORT.
//
//   POST {control}/set?mode=…[&ms=N][&bytes=N][&count=N]
//     pass            as if it were not there
//     refuse          the port is closed: connection refused
//     blackhole       accepts and never answers
//     reset           resets at once
//     drop-response   the request arrives and is acted on; the answer is lost
//     truncate        cuts the answer after `bytes`
//     delay           each piece of the answer `ms` late
//     throttle        16 bytes of the answer every `ms`
//     garbage         answers bytes that are not HTTP
//   `count`: only the next N connections. Connections that stand are ended by every change.
//   GET {control}/hits  connections so far, by mode
import http from 'node:http';
import net from 'node:net';
import { json, listen, ready } from './peer.mjs';

if (!process.env.UPSTREAM) throw new Error('UPSTREAM is not set: the URL to stand in front of');
const upstream = new URL(process.env.UPSTREAM);
let rule = { mode: 'pass', ms: 0, bytes: 0, count: Infinity };
const hits = {};
const open = new Set();
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function connection(client) {
  open.add(client);
  client.on('close', () => open.delete(client));
  client.on('error', () => {});
  let { mode } = rule;
  if (mode !== 'pass') {
    if (rule.count <= 0) mode = 'pass';
    else rule.count -= 1;
  }
  const { ms, bytes } = rule;
  hits[mode] = (hits[mode] ?? 0) + 1;
  if (mode === 'blackhole') return void client.resume();
  if (mode === 'reset') return void client.resetAndDestroy();
  if (mode === 'garbage') return void client.once('data', () => client.end('\u0000not HTTP at all\r\n\r\n'));

  const server = net.connect(Number(upstream.port), upstream.hostname);
  server.on('error', () => client.destroy());
  client.on('close', () => server.destroy());
  client.pipe(server);
  let passed = 0;
  let queue = Promise.resolve();
  server.on('data', (piece) => {
    switch (mode) {
      case 'drop-response': client.resetAndDestroy(); break;
      case 'truncate': {
        client.write(piece.subarray(0, Math.max(0, bytes - passed)));
        passed += piece.length;
        if (passed >= bytes) client.destroy();
        break;
      }
      case 'delay': queue = queue.then(() => sleep(ms)).then(() => client.write(piece)); break;
      case 'throttle':
        queue = queue.then(async () => {
          for (let at = 0; at < piece.length && !client.destroyed; at += 16) {
            client.write(piece.subarray(at, at + 16));
            await sleep(ms);
          }
        });
        break;
      default: client.write(piece);
    }
  });
  server.on('end', () => queue.then(() => client.end()));
}

const proxy = net.createServer({ allowHalfOpen: true }, connection);
const origin = await listen(proxy);
const port = Number(new URL(origin).port);

const control = http.createServer(async (request, response) => {
  const url = new URL(request.url, 'http://control');
  const ask = url.searchParams;
  if (url.pathname === '/set') {
    rule = {
      mode: ask.get('mode') ?? 'pass', ms: Number(ask.get('ms') ?? 0), bytes: Number(ask.get('bytes') ?? 0),
      count: ask.has('count') ? Number(ask.get('count')) : Infinity,
    };
    for (const client of open) client.destroy();
    if (rule.mode === 'refuse' && proxy.listening) await new Promise((done) => proxy.close(done));
    if (rule.mode !== 'refuse' && !proxy.listening) await listen(proxy, port);
  }
  json(response, { rule, hits });
});
const controlled = await listen(control, 0);
const shown = new URL(upstream.pathname, origin);
ready({ url: shown.href, control: controlled });
