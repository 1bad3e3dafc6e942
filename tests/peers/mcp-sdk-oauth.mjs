// The OAuth example of the MCP SDK (npm @modelcontextprotocol/sdk), as it is: MCP server and
// authorization server in one program. Environment: STRICT=1 checks the audience too.
import { answers, freePort, ready } from './peer.mjs';

const [port, authPort] = [await freePort(), await freePort()];
process.env.MCP_PORT = String(port);
process.env.MCP_AUTH_PORT = String(authPort);
process.argv.push(process.env.STRICT ? '--oauth-strict' : '--oauth');
if (process.env.STRICT) process.argv.push('--oauth');
await import('@modelcontextprotocol/sdk/examples/server/simpleStreamableHttp.js');
await answers(`http://localhost:${port}/mcp`);
await answers(`http://localhost:${authPort}/.well-known/oauth-authorization-server`);
ready({ url: `http://localhost:${port}/mcp`, issuer: `http://localhost:${authPort}/` });
