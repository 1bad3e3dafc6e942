# What is said of an OpenAPI document. One sentence for each wire::Problem: what it is, then what that means.
openapi-problem-external-reference = It refers to { $what }, outside of the document. Nothing was fetched, and what needs it was left out.
openapi-problem-missing-reference = It refers to { $what }, which is not in the document. What needs it was left out.
openapi-problem-endless-reference = It refers to { $what }, which never ends. What needs it was left out.
openapi-problem-unreadable = This is not what OpenAPI asks for ({ $what }). It was left out.
openapi-problem-body = Its body must be { $what }, which this app does not send. It was left out.
openapi-problem-parameter = It needs { $what }, which no argument may set. It was left out.
openapi-problem-optional = Its { $what } cannot be sent by this app. The tool is there, without it.
openapi-problem-other-server = It is only at { $what }. The credential is for the base URL only, so this is left out where the base URL is another.
openapi-problem-duplicate-name = The name { $what } stands more than once. Each of these tools got a suffix.
openapi-problem-schema = The arguments of { $what } are checked only in part: their schema is too large or cannot be used.
openapi-problem-auth = The credential { $what } is of a kind that this app cannot give.
openapi-problem-two-keys = It asks for more than one key at once ({ $what }). This app gives one.

# --- the sheet
kind-openapi = OpenAPI document
kind-openapi-hint = Each operation of an HTTP API becomes a tool. By file, address, or dropped on this window.
openapi-file = Choose a file
openapi-file-hint = OpenAPI 3.0 or 3.1, JSON or YAML, up to 20 MB. Or drop it on this window.
openapi-url = Or its address
openapi-url-hint = Fetched once, without a credential. Nothing that it refers to is fetched.
openapi-read = Read it
openapi-reading = Reading the document…
openapi-ask-yes = Yes, fetch it
openapi-tools = { $count ->
    [one] One tool
   *[other] { $count } tools
}
can-more-tools = and { $count } more
openapi-problems = { $count ->
    [one] One thing in it cannot be used as it stands
   *[other] { $count } things in it cannot be used as they stand
}
openapi-server = Server
openapi-complete = The document gives { $url }. Write the address that is meant.
openapi-offered = Named by the document.
auth-no-key = None
openapi-health-hint = Read once to see whether the key works, and then at each check. Choose one that changes nothing.

# --- importing again
openapi-again = Import tools of { $name }
openapi-import = Import
openapi-import-again = Import again
openapi-import-first = Import OpenAPI document
openapi-import-anew = Some of its tools have arguments with names that models refuse (Claude gives an agent with such a tool no answer at all). Import the document again: they get other names.
openapi-keeps = Address, credential and history stay.
openapi-imported = The tools are replaced.
openapi-no-change = Nothing changes: every tool is as it was.
openapi-added = { $count ->
    [one] One tool is new
   *[other] { $count } tools are new
}
openapi-removed = { $count ->
    [one] One tool is gone
   *[other] { $count } tools are gone
}
openapi-changed = { $count ->
    [one] One tool is not what it was
   *[other] { $count } tools are not what they were
}
openapi-same = { $count ->
    [one] One tool stays as it is.
   *[other] { $count } tools stay as they are.
}
openapi-from = { $title } { $version }, from { $source }
