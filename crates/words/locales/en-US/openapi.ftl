# What is said of an OpenAPI document. One sentence for each wire::Problem: what it is, then what that means.
openapi-problem-external-reference = It refers to { $what }, outside of the document. Nothing was fetched, and what needs it was left out.
openapi-problem-missing-reference = It refers to { $what }, which is not in the document. What needs it was left out.
openapi-problem-endless-reference = It refers to { $what }, which never ends. What needs it was left out.
openapi-problem-unreadable = This is not what OpenAPI asks for ({ $what }). It was left out.
openapi-problem-body = Its body must be { $what }, which this app does not send. It was left out.
openapi-problem-parameter = It needs { $what }, which no argument may set. It was left out.
openapi-problem-other-server = It is at another server, { $what }. The credential is for the base URL only, so it was left out.
openapi-problem-duplicate-name = The name { $what } stands more than once. Each of these tools got a suffix.
openapi-problem-schema = The arguments of { $what } are checked only in part: their schema is too large or cannot be used.
openapi-problem-auth = The credential { $what } is of a kind that this app cannot give.
openapi-problem-two-keys = It asks for more than one key at once ({ $what }). This app gives one.
