// The reference server with every feature (npm @modelcontextprotocol/server-everything), revisions
// up to 2025-11-25, with sessions, without authentication.
import { answers, freePort, ready } from './peer.mjs';

const port = Number(process.env.PORT || 0) || (await freePort());
process.env.PORT = String(port);
process.argv[2] = 'streamableHttp';
await import('@modelcontextprotocol/server-everything/dist/index.js');
await answers(`http://127.0.0.1:${port}/mcp`);
ready({ url: `http://127.0.0.1:${port}/mcp` });
