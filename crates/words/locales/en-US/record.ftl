# The record: proof that it is whole, filters, export.

outcome-approved = Approved
outcome-denied = Denied
because-cron = Cron · { $name }

error-row-unknown = This row is not in the record any more.
error-export-unknown = This export is over and forgotten. Start it again.

any-status = Any status
filter-status = Status
filter-time = Time
span-always = Any time
span-hour = Last hour
span-day = Last 24 h
span-week = Last 7 days
span-month = Last 30 days
span-between = From … to …
filter-from = From
filter-until = To
moment-placeholder = 2026-11-24 14:00
moment-wrong = This is not a date and time, so it is left out. Write it like 2026-11-24 14:00.
filter-agent = Agent
all-agents = All agents
filter-tool = Tool
any-tool = Any tool
filter-past = { $name } (disconnected)
filter-removed = { $name } (removed)
words-placeholder = Tool, person, thread…
chip-agent = One agent
chip-integration = One integration
chip-thread = One thread
chip-call = One call
chip-remove = Without { $name }
new-rows = { $count ->
    [one] 1 new row
   *[other] { $count } new rows
}
new-rows-least = { $count ->
    [one] At least 1 new row
   *[other] At least { $count } new rows
}
no-match = Nothing fits
no-match-hint = Take a filter away, or look further back.
looked-none = Nothing fits so far
looked-to = Looked through the rows back to { $when }. Older ones come next.
look-on = Look further back
not-read-in = Not all rows can be searched yet
words-cut = More words begin with “{ $word }” than are looked for at once: type more of it.
not-read-in-hint = Some rows, mostly the newest, are still being made ready for the search. What fits appears here by itself.

record-show = Show where
record-check = Check the record
record-checking = Checking…
record-intact = The record is whole: { $rows } rows, each as it was written.
record-changed = The record was changed from outside: row { $row } is not as it was written.
record-moved = The record was changed from outside: row { $row } stands in another row’s place.
record-missing = The record was changed from outside: rows are missing from row { $row } on.
record-beginning = The record was changed from outside: its beginning is missing, up to row { $row }.
record-end = The record was changed from outside: its end is missing, from row { $row } on.
record-all = The record was changed from outside: all of its rows are missing.
record-other = This is the data of another installation.
record-anchor = The record cannot be trusted: the anchor file beside the data is gone, or not the app’s.
record-anchor-old = The record cannot be trusted: the anchor file beside the data is an old one. Rows from row { $row } on may be missing.
record-tables = The database was changed from outside: its tables are not as the app made them, and lists may leave rows out.
record-keyless = { $count ->
    [one] 1 of them was written while the keyring gave no key: it is not signed.
   *[other] { $count } of them were written while the keyring gave no key: they are not signed.
}
record-removed = Older ones were removed on { $date }, as the settings say.
record-restored = The data came back from a backup: what was recorded after row { $row } is lost. What was recorded since is whole.
record-keyring = The record cannot be checked: the keyring does not give its key. Unlock it and check again.
record-no-key = The record cannot be checked yet: it gets its key with the first connection.
record-key-lost = The record cannot be checked: the keyring has lost the key that it was written with.

export-csv = Export CSV
export-jsonl = Export JSONL
export-bodies = Export arguments
export-bodies-hint = Arguments and results, where an integration keeps them. Secrets are hidden.
export-running = { $rows } rows written
export-done = { $rows } rows in { $file }
export-cancelled = The export was stopped.
export-stop = Stop

row-ended = Ended
row-by = Agent
row-task = Task
row-of-thread = Thread, as told
row-sent = Arguments
row-got = Result
row-kept-until = Kept until
bodies = Arguments and results
bodies-hint = Kept beside each row of Activity, secrets hidden. Off: only size, shape and hash are kept, and what was kept goes at once.
breaks-bodies = { $count ->
    [one] The arguments and the result that are kept of 1 call are removed.
   *[other] The arguments and results that are kept of { $count } calls are removed.
}
bodies-off = Not kept
bodies-1 = For a day
bodies-7 = For 7 days
bodies-30 = For 30 days
bodies-90 = For 90 days
row-bytes = { $bytes } bytes
row-run = Run of the cron
row-id = Call
row-place = In the record
row-place-ended = Its outcome there
row-mac = What binds it to the row before
row-chained = Row { $row }, by key { $key }
row-keyless = Row { $row }, written while the keyring was locked
row-thread = What did this thread touch?
row-task-only = What did this task touch?
row-thread-of = What did the thread “{ $name }” touch?
row-task-of = What did the task “{ $name }” touch?
row-agent = What did this agent do?
row-tool = Only this tool

record-settings = The record
strict = Strict
strict-hint = A call leaves only once its row is on the disk itself. Slower; without it a loss of power may take the last second of rows.
keep-rows = Keep rows
keep-always = For ever
keep-90 = 90 days
keep-365 = One year
keep-730 = Two years
keep-2555 = Seven years
overdue-disagreed = Rows are kept for longer: these settings were not saved in the app, or came from a backup, or the keyring lost its key. Save them anew.
overdue-no-key = Rows are kept for longer: the keyring gave no key to sign their removal with.
overdue-held = Rows are kept for longer: what stands before them is younger, or was changed from outside.
tail-file = File for a collector
tail-file-hint = Each finished call is added as a line of JSON. Give the whole path of a file.
tail-trouble = Since { $at } no line was added: { $why } What is due is added once it can be, unless its row is older than rows are kept.
