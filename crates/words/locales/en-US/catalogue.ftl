# The catalogue: providers, how they are connected, and the gallery that shows them.

gallery-search = Search services, or paste a URL
gallery-none = No service matches “{ $search }”
gallery-none-hint = Connect it by its address: as an MCP server or a custom API.
own = Your own
effort-one-click = One click
effort-key = Paste a key
effort-app = Needs app credentials, once
effort-ready = Ready to sign in
effort-key-or-app = A key, or app credentials
category-communication = Communication
category-documents = Documents
category-projects = Projects
category-code = Code
category-operations = Operations
category-sales = Sales
category-payments = Payments
category-other = Other
looks-mcp = That looks like an MCP server.
looks-openapi = That looks like an OpenAPI document.
looks-api = That looks like an HTTP API.
looks-provider = That is { $name }’s own MCP server.
as-mcp = Connect as an MCP server
as-api = Connect as a custom API
as-openapi = Import the document
as-provider = Connect { $name }
not-verified = Not verified against the live service
added-manifest = From your configuration folder
way-choose = How to connect
way-mcp = The official MCP server
way-mcp-label = The official MCP server: { $label }
way-mcp-hint = Sign in in your browser, at { $address }.
way-oauth = Sign in
way-oauth-hint = In your browser, at { $address }.
way-device = Sign in with a code
way-device-hint = You type a short code at { $address }.
way-key = Paste a key
way-key-hint = It is sent to { $address } alone.
bundles-choose = What it may do
bundles-asked-there = What it may do is asked in your browser.
bundle-tools = Switches on { $tools }
bundles-tools = Each opens that part to the tool { $tools }.
missing-app = Your company’s own app credentials are missing
missing-app-why = { $name } lets in apps that your company has registered with it, once.
missing-app-enter = Enter app credentials
guide-page = The page for it:
guard-calls = Anybody may ping this server and list its tools, so each check also calls a tool that is not there: only a call makes the server look at the credential.
key-in-address = Its address holds a key, which backups hold in clear, too. Connect it anew by the address without the key, with “API key in the query”, and disconnect this one.
guard-nothing = This server answers a check with or without a credential: only a real call can show that it is refused.
sunset = { $what } on { $on }: { $link }
manifests-refused = { $count ->
    [one] One manifest was refused
   *[other] { $count } reasons why manifests were refused
}
manifest-refused = { $file }, line { $line }: { $why }
manifest-refused-file = { $file }: { $why }
manifests-folder = More providers are read from { $folder }
