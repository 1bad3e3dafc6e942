# The agents' page, and pairing one.
agents = Agents
agents-sub = Programs that call your integrations through Chief, each with a token of its own
agents-none = No agent is paired
agents-none-sentence = Pair Chief, Claude Code, Cursor or any MCP client. It gets a token of its own and never sees a credential.
agent = Agent
agent-may = May use
agent-may-all = Every integration
agent-may-narrowed = Every integration, narrowed: { $names }
agent-may-none = Integrations that are disconnected now
agent-reads = Only tools that read
agent-any = Also tools that change something
agent-calls = Calls
agent-last-used = Last used
agent-token = Token
agent-token-stays = does not end
agent-token-over = has ended
agent-token-ends = ends on { $date }
agent-token-soon = ends soon: on { $date }
agent-token-ended = The token of { $name } ended on { $when }, and its calls are refused.
agent-token-hint = New token, on the page of agents, gives another one. All else stays as it is.
agent-needs-token = { $name } needs a new token
agents-need-token = { $count ->
    [one] one agent needs a new token
   *[other] { $count } agents need a new token
}
agent-change = Change
agent-change-name = Change what { $name } may use
agent-change-sentence = It holds from the next call on. The token stays as it is.
agent-changed = What { $name } may use was changed.
agent-renew = New token
agent-renew-name = New token for { $name }
agent-renew-sentence = Its old token is refused at once, so put the new one in its place where { $name } runs. What it may use, its crons and what it did stay as they are.
agent-renewed = { $name } has a new token
agent-remove = Remove
agent-remove-name = Remove { $name }
agent-remove-sentence = Its token is refused from now on, and what runs or waits for it ends. What it did stays in the activity.
agent-removed = { $name } was removed. Its token is refused from now on.
agent-chosen = { $count ->
    [one] 1 integration chosen
   *[other] { $count } integrations chosen
}
gateway-open = Agents reach Chief at
gateway-taken = Another program on this computer has port { $n }, so agents cannot reach Chief. End that program: the port is tried again by itself, and never another one.
port = Port
port-change = Change port
port-hint = 1024 to 65535. Agents that were given the address need the new one; those that use the chief command go on.
side-gateway = Gateway on { $host }
side-gateway-taken = Port { $n } is taken: agents cannot reach Chief
client-write = Add it to a program on this computer:
client-place = This changes { $place } and leaves a copy of it beside it.
client-place-new = This writes { $place }, in which nothing stands yet.
client-kept = { $count ->
    [one] 1 other line stays as it is
   *[other] { $count } other lines stay as they are
}
client-add = Add to { $name }
client-added = Chief was added to { $name }. Restart it there.
client-undo = Undo
client-undo-name = Take Chief out of { $name }
client-configured = Programs with Chief in their configuration
client-has = { $name } has Chief in its configuration:
client-put-back = The configuration of { $name } is as it was before Chief. Restart it there.
client-entry-taken = Chief’s entry was taken out of { $name }; what others have written there since stays. Restart it there.
gateway-closed = The gateway is opening…
pair-agent = Pair an agent
pair = Pair
pair-name-example = Claude Code
pair-name-hint = Every call that it makes is shown under this name.
pair-integrations = Integrations
pair-all = All of them
pair-all-hint = Also those that you connect later
pair-narrow = Of some of them, a few tools only
pair-narrowed = { $count ->
    [one] Of 1 of them, a few tools only
   *[other] Of { $count } of them, a few tools only
}
pair-search = Search integrations
pair-none-found = No integration matches “{ $search }”
pair-some = Only some
pair-some-hint = And of each, all of its tools or a few
tools-of = Tools of { $name }
tools-all = { $count ->
    [one] Its 1 tool
   *[other] All { $count } tools
}
tools-some = { $n } of { $all } tools
tools-every = All of them
tools-every-hint = Also those that come later. Without this, only what is ticked: a tool that comes later is left out until you choose it.
tools-none-chosen = Choose one tool at least, or all of them.
tools-only-read = What changes something is refused all the same: this agent may only read.
tool-gone = Not there now
tool-held = Held back
tools-listed = Tools listed at most
tools-listed-hint = 1 to 1000. An agent that may use more gets two tools in their stead: one that searches, and one that calls what was found. A model reads every listed tool with each turn.
pair-may = It may use
pair-reads-hint = As their servers say; anything else is refused by name
pair-life = Its token ends
pair-30 = After 30 days
pair-90 = After 90 days
pair-365 = After a year
pair-ever = Never
pair-done = { $name } is paired
pair-once = This is shown once: Chief keeps the token as a hash only. Put it where the agent runs, and nowhere else.
pair-client = Where will you paste it?
pair-place = Goes to: { $name }
pair-take = The clipboard is closed to Chief: mark the text and copy it.
copy = Copy
done = Done
