# The window's own sentences. Names of things and buttons are the product's words.

brand = Chief
pages = Pages
skip = Skip to content
integrations = Integrations
activity = Activity
settings = Settings
add-integration = Add integration
disconnect = Disconnect
rename = Rename
open = Open
close = Close
cancel = Cancel
back = Back
save = Save
saved = Saved.
copied = Copied.
dismiss = Dismiss
details = Details
show = Show
hide = Hide
optional = (optional)
none = —
loading = Loading…
try-again = Try again
search = Search
filter = Filter
connect = Connect

# --- lists: loading, empty, error, stale
not-loaded = This could not be loaded
stale = Showing what was known at { $when }.
nothing-found = Nothing matches “{ $search }”
nothing-found-hint = Names, addresses, accounts and tools are searched.
nothing-connected = Nothing is connected
nothing-needs-you = Nothing needs you
no-apis = No custom API is connected
no-mcp = No MCP server is connected
lost = Not found
lost-title = This page does not exist
lost-sentence = Choose one at the side.
show-more = { $count ->
    [one] Show one more
   *[other] Show { $count } more
}
show-all = Show all
last-checked = Last checked
offline = This computer is offline. What you see is what was last known.

# --- cards
count-connected = { $count } connected
count-healthy = { $count } healthy
count-expiring = { $count } expiring
count-failing = { $count } failing
count-off = { $count } switched off
chip-all = All
needs-you = Needs you
chip-apis = Custom APIs
chip-mcp = MCP servers
connected-by = Connected by
last-used = Last used
never = never
can = Can
can-nothing = no tools found
can-more = and { $count } more
testing = Testing…
more-for = More for { $name }
action-for = { $action }: { $name }
switched-off = Switched off
why-off = Switched off: it takes no part in any task until it is switched on.
expires-in = Expires { $when }
scopes-count = Scopes ({ $count })
scopes-of = { $scopes }, { $name }
scopes-none = The server names no scopes for this credential.
scope-not-granted = Not granted: { $scope }
scope-tools = Do not work without it: { $tools }
days-title = Last 30 days:
days-healthy = { $count ->
    [one] 1 day healthy
   *[other] { $count } days healthy
}
days-troubled = { $count ->
    [one] 1 day troubled
   *[other] { $count } days troubled
}
days-failing = { $count ->
    [one] 1 day failing
   *[other] { $count } days failing
}
days-none = nothing checked yet
because-health = Health check
because-connecting = Connecting
because-outside = Another program
switch-off = Switch off
switched-on = Switched on.
switched-off-now = Switched off.
tested = { $name }: the test went well. { $answer }, { $took }.
test-failed-for = { $name }: { $why }

# --- needs you
need-expiring = { $name } will stop soon.
need-more = { $count ->
    [one] One more needs you.
   *[other] { $count } more need you.
}
repair-all = Repair all
repair-skip = Skip this one
repairs-left = { $count ->
    [one] One more after this
   *[other] { $count } more after this
}

# --- side bar
side-needs = { $count ->
    [one] One integration needs you
   *[other] { $count } integrations need you
}
side-needs-you = need you
all-checked = All checked { $when }
not-checked = { $count ->
    [one] One not checked yet
   *[other] { $count } not checked yet
}

# --- first run
first-title = Connect your first integration
first-sentence = Chief acts through what you connect here. Each integration becomes a card that shows how it is, what it can do, and what it did.
connect-sample = Connect the sample
connecting-sample = Connecting the sample…
sample-hint = Six harmless tools, no account.
sample-is = A small MCP server inside this app: six harmless tools, no account, and nothing leaves this computer. Disconnect removes it.
sample-connected = { $count ->
    [one] The sample is connected: 1 tool.
   *[other] The sample is connected: { $count } tools.
}

# --- add integration
kind-sample = Sample
kind-mcp = MCP server
kind-mcp-hint = Your own or a vendor’s endpoint, with or without sign-in.
kind-api = Custom API
kind-api-hint = Any HTTP API: its base URL and a key.
field-mcp-url = Server URL
field-base-url = Base URL
field-name = Name
name-hint = Empty: the server’s own name.
api-name-hint = Stands on the card, up to 60 characters.
auth = How it knows you
auth-discover = Find out
auth-discover-hint = Sign in if the server asks for it.
auth-bearer = Bearer token
auth-header = Custom header
auth-key-header = API key in a header
auth-key-query = API key in the query
auth-basic = User name and password (Basic)
auth-sign-in = Sign-in (OAuth)
auth-sign-in-hint = Through your browser. Renewed by itself where the server gives refresh tokens.
sign-in-server = Who gives the tokens
sign-in-issuer = It describes itself
sign-in-issuer-hint = By its issuer address: OpenID Connect, or OAuth server metadata.
sign-in-addresses = I have its addresses
sign-in-addresses-hint = From the API’s documentation.
field-issuer = Issuer
field-authorization-url = Authorization URL
field-token-url = Token URL
field-revocation-url = Revocation URL
revocation-url-hint = Empty: Disconnect cannot revoke the sign-in there.
field-client-id = Client ID
client-id-hint = Of the app that you registered there. Empty: this app registers itself, where the server lets it.
client = How the app shows who it is
client-none = By its ID alone (public client)
client-none-hint = With PKCE, as desktop apps should.
client-basic = ID and secret in the header (Basic)
client-post = ID and secret in the body
field-client-secret = Client secret
field-scopes = Scopes
scopes-hint = Separated by spaces, the fewest that do. Empty: none is asked for.
redirect-hint = Redirect address to register there (any port):
field-token = Token
field-header = Header name
field-parameter = Parameter name
field-value = Header value
field-key = API key
field-user = User name
field-password = Password
password-hint = Kept sealed on this computer. Where an API takes its key as the user name, leave this empty, or as its pages say.
field-health = Health path
health-hint = Called to see whether the key works. Empty: the base URL itself.
secret-hint = Kept sealed on this computer. It is never shown again.
field-ends-on = Ends on
pace = Checked
pace-hint = How often it is checked while all is well. Each real call counts as a check, and after a failure the app looks sooner by itself.
pace-usual = Usual
pace-minutes = { $count ->
    [one] every minute
   *[other] every { $count } minutes
}
pace-hours = { $count ->
    [one] every hour
   *[other] every { $count } hours
}
pace-day = once a day
field-ends-on-hint = The day its provider names. You are warned before it, once.
ends-on-unread = write the day with its whole year, like 2026-11-27
saved-after-proof = Saved only after one request has proved it.

# --- an attempt
connecting = Connecting
attempt-checking = Checking what the server asks for…
attempt-waiting = Waiting for your browser…
attempt-waiting-detail = Sign in at { $host } in the browser window that has opened. This ends by itself { $when }.
attempt-code = Type this code on the page that has opened
attempt-code-detail = At { $host }, signed in as the account to connect. Go on only if the page shows { $host }. This ends by itself { $when }.
device-code = Code to type
copy-code = Copy
code-take = It could not be copied. Take the code from here.
attempt-exchanging = Your browser came back. Getting the token…
attempt-proving = Checking the credential and listing the tools…
attempt-done = { $name } is connected.
tools-found = { $count ->
    [0] It has no tools.
    [one] One tool was found.
   *[other] { $count } tools were found.
}
open-again = Open again
copy-link = Copy the link
browser-opened = The browser was asked to open the page again.
link-copied = Copied. Paste it into a browser on this computer.
link-take = Copy this link into a browser on this computer.
sign-in-link = Sign-in link
ask-private = { $host } leads to { $address }, inside a private network. Is that meant?
ask-private-detail = Nothing was sent there yet. Say yes if it is your own server on this computer or in your network.
ask-private-yes = Yes, connect to it
ask-no = No, go back
ask-duplicate = { $name } is connected to this address already.
ask-duplicate-same = It is the same account. A second card would show the same thing twice.
ask-duplicate-unknown = The server does not tell whether it is the same account.
ask-duplicate-open = Open it
ask-duplicate-yes = Connect a second one
ask-account = You signed in as { $now }, but this integration belongs to { $before }.
ask-account-detail = Agents would act as the new account from now on. History and settings stay.
ask-account-yes = Yes, use the new account
ask-account-no = No, keep it as it is
ask-issuer = This server now signs people in at { $now }. Before, it was { $before }. Is that meant?
ask-issuer-detail = Nothing of the old sign-in was sent there. Ask whoever runs the server if you do not know of a move: a server that was taken over looks like this too.
ask-issuer-yes = Yes, sign in there

# --- reconnect, rename
reconnect-name = Reconnect { $name }
paste-key-for = Paste a fresh key for { $name }
fresh-token = Fresh token
fresh-named-key = Fresh key ({ $key })
fresh-password = Fresh password of { $user }
fresh-client-id-hint = Of the app that is registered there. Empty: the one of before.
fresh-key-hint = It replaces the old one once a request has proved it. History and settings stay.
gone-title = Not connected
gone = This integration is gone: it was disconnected.
to-integrations = All integrations
rename-name = Rename { $name }
rename-hint = The prefix of its tools stays as it is.
renamed = Renamed to { $name }.

# --- disconnect
disconnect-name = Disconnect { $name }?
disconnected-name = { $name } is disconnected
disconnect-lead = This cannot be undone:
breaks-in-flight = { $count ->
    [one] One call that is running now fails.
   *[other] { $count } calls that are running now fail.
}
breaks-tools = { $count ->
    [one] Its tool is gone for every agent.
   *[other] Its { $count } tools are gone for every agent.
}
breaks-calls = { $count ->
    [one] Agents called it once in the last 30 days.
   *[other] Agents called it { $count } times in the last 30 days.
}
breaks-agents = It was chosen for these agents, and adding it again does not give it back to them: { $names }.
breaks-emptied = They can then use nothing at all: { $names }.
breaks-revokes = Its access is revoked at { $host }.
breaks-cannot-revoke = Its credential cannot be opened, so { $host } will not be told. Revoke it there yourself.
breaks-not-revoked = Its credential stays valid at the other side until you revoke it there: this app knows no way to do it from here.
breaks-credential = The credential is destroyed on this computer, for good.
disconnect-keeps = The record of what it did stays under its name.
keep-it = Keep it
disconnecting = Disconnecting…
revoked = { $host } confirmed that the access is revoked.
revocation-not-offered = This app knows no way to revoke it from here. Revoke the key or token there yourself.
revocation-not-possible = { $host } was not told: { $why } Revoke the access there yourself.
revocation-pending = { $host } has not confirmed the revocation yet. { $why } The app keeps trying; to be sure, revoke it there yourself.
credential-destroyed = The credential is destroyed on this computer.
calls-ended = { $count ->
    [one] One running call was ended.
   *[other] { $count } running calls were ended.
}

# --- an integration's page
tools = Tools
scopes = Scopes
connected-by-on = connected by { $person } on { $date }
test-went-well = The test went well
test-failed = The test failed
test-tried = Tried
test-answer = Came back
test-nothing = nothing
search-tools = Search tools
list-again = List tools again
listed = Listed
no-tools = No tools
no-tools-hint = The server listed none.
no-tool-found = No tool matches “{ $search }”.
tool-no-description = The server gives no description.
tool-takes = Takes (JSON Schema)
tool-hash = Pinned as
needs-access = Needs access
request-access = Request access
lacks = The last call was refused: it needs { $scopes }.
lacks-unnamed = The last call was refused for want of a permission that the server did not name.
lacks-sign-in = You sign in again, and it is asked for beside what is granted already.
lacks-key = Paste a fresh key that has it.
lacks-owner = Three sign-ins did not bring it. Ask the owner of the account there to allow it; the next call that works clears this.
risk-reads = Reads
risk-writes = May change
risk-destroys = May destroy
credential = Credential
granted-scopes = Granted scopes
all-scopes = All { $count } scopes
auth-is-sample = Made by this app for the sample inside it.
auth-is-none = The server asks for none.
auth-is-bearer = A token that was pasted, sent as Bearer.
auth-is-header = A key that was pasted, sent in the header { $name }.
auth-is-query = A key that was pasted, sent in the query as { $name }.
auth-is-basic-key = A key as the user name, sent as Basic.
auth-is-basic = User name { $user } and a password, sent as Basic.
auth-is-oauth = Signed in at { $issuer }.
auth-revocable = Disconnect revokes it there.
server-says = The server calls itself { $server }.
server-speaks = It speaks MCP { $protocol }.
renews = It renews itself.
renews-before = It renews itself; the present token ends on { $moment }.
ends-on = It ends on { $moment }, { $when }, and cannot renew itself.
sign-in-ends = The sign-in itself lasts until { $moment }, { $when }, unless renewing prolongs it.
ended-on = It ended on { $moment } and cannot renew itself.
ends-unknown = The server does not tell when it ends.
is-on = Switched on
switch-off-hint = Switched off, it takes no part in any task; nothing is lost.
address = Address
url = URL
prefix = Prefix of its tools
disconnect-hint = Revokes and destroys the credential of { $name }. What it did stays in the record.

# --- activity
activity-sub = Every call, newest first
all-integrations = All integrations
filter-integration = Integration
show-pings = Show pings
col-time = Time
col-integration = Integration
col-action = Action
col-status = Status
col-took = Took
col-because = Because of
outcome-running = Running
outcome-ok = OK
outcome-failed = Failed
outcome-refused = Refused
outcome-unknown = Unknown
open-thread = Open the thread in your browser
row-answer = Came back: { $detail }
no-activity = Nothing has happened yet
no-activity-pings = Calls stand here as they are made. Pings are hidden.
no-activity-hint = Calls and pings stand here as they are made.
load-more = Load more

# --- settings
you = You
your-name = Your name
your-name-hint = Stands on the cards that you connect.
appearance = Appearance
theme = Theme
theme-system = As the system
theme-light = Light
theme-dark = Dark
keyring = Keyring
keyring-unasked = The keyring is asked when the first credential is needed.
keyring-ready = Credentials are sealed with a key in this computer’s keyring.
keyring-ready-now = The keyring is unlocked.
keyring-session = Credentials are kept in memory only and are gone when the app ends.
keyring-session-now = Credentials are kept for this run only.
keyring-absent = This computer has no keyring that answers, so no credential can be opened or kept. Start one (such as GNOME Keyring or KWallet), or keep credentials for this run only.
keyring-locked = The keyring is locked, so no credential can be opened or kept.
keyring-hanging = The keyring does not answer. Look for its password prompt, then try again.
keyring-lost = The keyring no longer holds this app’s key, so the kept credentials cannot be opened. Reconnect each integration.
keep-for-this-run = Keep for this run only
use-keyring = Use the keyring
review = Review
about = About
data-folder = Data folder
log-folder = Log folder
copy-name = Copy: { $name }
version = Version

# --- time
ago-now = just now
ago-seconds = { $count } s ago
ago-minutes = { $count } min ago
ago-hours = { $count } h ago
ago-yesterday = yesterday
ago-days = { $count ->
    [one] 1 day ago
   *[other] { $count } days ago
}
until-soon = in less than a minute
until-minutes = in { $count } min
until-hours = in { $count } h
until-days = { $count ->
    [one] in 1 day
   *[other] in { $count } days
}
took-ms = { $n } ms
took-s = { $n } s
month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec
weekday-0 = Sun
weekday-1 = Mon
weekday-2 = Tue
weekday-3 = Wed
weekday-4 = Thu
weekday-5 = Fri
weekday-6 = Sat

# --- app credentials
apps = App credentials
apps-are = Some providers let in only apps that a company registered with them. Register one there once, and save its ID here.
apps-none = not set up
apps-built-in = comes with this app
apps-saved = app { $id }
apps-set-up = Set up
apps-change = Change
apps-mend = Change app credentials
apps-another = Another authorization server…
apps-remove = Remove
apps-removed = Removed.
apps-page = The provider’s page for it
apps-redirects = Register exactly this redirect address
redirect-uri = the redirect address
apps-scopes = Scopes to allow there
