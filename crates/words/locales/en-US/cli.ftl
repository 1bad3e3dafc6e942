# The chief command.
cli-no-folder = This system tells no folder of yours. Say --data with the app's data folder.
cli-no-app = Chief Integrations does not run, or has another data folder: nobody opens { $place }. Start the app.
cli-waits = Chief Integrations does not run yet. Waiting for it…
cli-not-ours = { $place } is not yours to open: the app runs as another user.
cli-app-ended = Chief Integrations has ended. Start it again.
cli-unreadable = The app answered something that this program does not understand. Are both of one version?
cli-no-token = There is no agent token. Pair an agent in Chief Integrations, Agents, and put its token in CHIEF_AGENT_TOKEN.
cli-token-file = The token in { $place } was not taken: { $why }.
cli-token-mode = others may read it (its mode is { $mode }); run chmod 600 on it
cli-unknown = No integration is called { $name }. See chief list.
cli-not-json = The request is not JSON.
cli-none = Nothing is connected yet.
cli-no-activity = Nothing was done yet.
cli-off = Off
cli-tools = { $count ->
    [one] 1 tool
   *[other] { $count } tools
}
cli-in = in { $time }
cli-ago = { $time } ago
cli-because-health = health
cli-because-connecting = connecting
cli-because-outside = from outside
cli-because-notice = a notice
cli-app-runs = Chief Integrations { $version } runs
cli-versions = This command is of version { $ours }, the app of { $theirs }. Install both anew.
cli-door-open = Others may open the app's door (modes { $mode }). Restart the app, which sets them.
cli-online = The network works
cli-offline = This computer is offline
cli-data-well = The data is well as far as is known, and there is a backup or will be one within a day
cli-keyring-ready = The keyring works
cli-keyring-session = Credentials are kept until the app ends, and no longer
cli-keyring-locked = The keyring is locked. Unlock it in the app.
cli-keyring-absent = There is no keyring. The app says what to do.
cli-keyring-lost = The keyring no longer holds the app's key. The app says what to do.
cli-keyring-hanging = The keyring does not answer. The app says what to do.
cli-gateway-open = Agents reach Chief at { $url }
cli-gateway-closed = The gateway is not open yet
cli-agents = { $count ->
    [one] 1 agent is paired
   *[other] { $count } agents are paired
}
cli-integrations = { $count ->
    [one] 1 integration is connected
   *[other] { $count } integrations are connected
}
cli-record-intact = The record is intact: { $rows } rows were checked.
cli-record-tampered = The record was tampered with: { $how } (first seen at row { $row }).
cli-record-changed = a row says something else than it did
cli-record-moved = a row stands in another's place
cli-record-missing = rows are gone from the middle
cli-record-beginning = rows are gone from the beginning
cli-record-end = rows are gone from the end
cli-record-all = all rows are gone
cli-record-other = it is another installation's
cli-record-anchor = the file that says where it ends is gone, or is not the app's
cli-record-anchor-old = the file that says where it ends is an old one, and rows after it may be gone
cli-record-tables = its tables are not as the app made them
cli-record-restored = The data was restored from a backup: what came after row { $row } is lost. What was written since is whole.
cli-record-at = What is known of the call there: chief ask get_row '{ $ask }'
cli-record-keyring = The record cannot be checked: the keyring is locked, absent or does not answer.
cli-record-no-key = The record cannot be checked: nothing was kept in the keyring yet, so there is no key.
cli-record-key-lost = The record cannot be checked: the keyring has lost the key that it was written with.
