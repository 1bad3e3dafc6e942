# An agent: the official Python client (PyPI mcp). Environment: URL and TOKEN; or COMMAND, a JSON of {command,
# args, env}, for stdio. MODE=legacy: the older era. As agent.mjs: it does each line of stdin, a JSON of {list: true} or {call: name,
# arguments}, and answers each with a line.
import asyncio
import json
import os
import sys

import httpx2
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client


def say(what):
    print(json.dumps(what), flush=True)


def plain(result):
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


async def main():
    if command := os.environ.get("COMMAND"):
        server, http = StdioServerParameters(**json.loads(command)), None
    else:
        http = httpx2.AsyncClient(headers={"authorization": f"Bearer {os.environ['TOKEN']}"}, trust_env=False)
        server = streamable_http_client(os.environ["URL"], http_client=http)
    async with Client(server, mode=os.environ.get("MODE", "auto")) as client:
        say({"server": plain(client.server_info), "protocol": client.protocol_version})
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            try:
                if asked.get("list"):
                    say({"ok": plain(await client.list_tools())})
                else:
                    say({"ok": plain(await client.call_tool(asked["call"], asked.get("arguments") or {}))})
            except MCPError as error:
                say({"error": error.message, "code": error.code})
    if http:
        await http.aclose()


asyncio.run(main())
