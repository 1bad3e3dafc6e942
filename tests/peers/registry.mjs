// A real HTTP API: a package registry (npm verdaccio) with one user, by Basic or by Bearer token.
// Nothing can be read without one. Environment: PORT. Its data is gone when it ends.
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen, ready } from './peer.mjs';

const { runServer } = createRequire(import.meta.url)('verdaccio');
const folder = mkdtempSync(join(tmpdir(), 'chief-registry-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const [user, password] = ['ann', 'correct horse battery staple'];
const config = join(folder, 'config.yaml');
writeFileSync(config, `
storage: ${JSON.stringify(join(folder, 'storage'))}
auth:
  htpasswd:
    file: ${JSON.stringify(join(folder, 'htpasswd'))}
    max_users: 100
security:
  api:
    legacy: false
    jwt: { sign: { expiresIn: 1h } }
packages:
  '**': { access: $authenticated, publish: $authenticated }
log: { type: stdout, format: json, level: error }
web: { enable: false }
`);
const server = await runServer(config);
const origin = await listen(server);

const made = await fetch(`${origin}/-/user/org.couchdb.user:${user}`, {
  method: 'PUT',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ name: user, password, email: 'ann@example.com', type: 'user' }),
});
if (made.status !== 201) throw new Error(`the user was not made: ${made.status} ${await made.text()}`);
const { token } = await made.json();
// /-/whoami answers 200 and {} to a wrong credential; only this one tells.
ready({ url: origin, user, password, token, health: '/-/npm/v1/user', careless: '/-/whoami' });
