# Tasks, policy and approvals, tools that changed.
error-tool-held = { $tool } of { $integration } is new or has changed, and waits until an admin accepts it in Chief. Nothing was sent.
error-tool-changed = { $tool } tells something else by now than what was looked at. Nothing was sent. Look again.
error-policy-denied = An admin does not let { $agent } use { $tool }. Nothing was sent.
error-approval-denied = { $person } did not allow { $tool }. Nothing was sent.
error-approval-late = Nobody approved { $tool } within { $n } minutes, so it was denied. Nothing was sent.
error-approval-withdrawn = { $tool } was called off before it was approved or sent. Nothing was sent.
error-approval-gone = This call does not wait any longer.
error-approval-impossible = Nobody can be asked about { $tool }: { $why }. Nothing was sent.
error-approval-needed = { $tool } asks first, and what it would do now was not approved. Nothing was sent. Save it again to approve what will run.
approved-by = Approved by { $person }
task-rows-name = { $calls }: what did { $task } touch?
arguments-unchecked = Arguments not checked: the tool’s schema cannot be used
approval-popup-title = { $agent } wants to use { $tool }
approval-popup-body = Look at what it would send, or deny it. It is denied by itself in { $n } minutes.
approval-waits = Waiting for an admin to approve this in Chief Integrations
approval-review = Review
approval-deny = Deny
approvals = Calls that wait for you
approval-wants = wants to use { $tool }
approval-for = For
approval-until-label = Denied by itself
approval-arguments = What it would send
approval-exactly = Exactly this runs, once.
approval-hidden = Hidden from you: { $parts }, { $characters }.
approval-hidden-parts = { $count ->
    [one] 1 part
   *[other] { $count } parts
}
approval-hidden-characters = { $count ->
    [one] 1 character
   *[other] { $count } characters
}
approval-hidden-why = It looks like a secret, but the agent may have made it look like one. It is sent as it is, and runs with the rest: approve only if you know what it says.
approval-approve = Approve
approval-approved-now = Approved: the call is made now.
approval-denied-now = Denied: nothing was sent.
choice-allow = Allow
choice-ask = Ask me
choice-deny = Deny
policy-default = By itself: { $choice }
policy-of = When agents call { $tool }
policy-of-agent = When { $agent } calls { $tool }
policy-as-all = As for all
policy-agents = For one agent
policy-wall = Denied for all: no agent’s own choice loosens that.
held-title = { $count ->
    [one] 1 new or changed tool waits until you accept it
   *[other] { $count } new or changed tools wait until you accept them
}
held-sentence = Agents do not see them, and calls are refused. Read what the server tells: hidden characters are shown by their codes.
held-new = New
held-changed = Changed
held-accept = Accept
held-accept-name = Accept { $tool }
held-accept-all = Accept all
held-look = Look again
held-look-name = Look again at { $tool }
held-moved = Changed since you opened this page: look at it again before you accept it.
held-accepted = { $count ->
    [one] 1 tool accepted
   *[other] { $count } tools accepted
}
error-task-stopped = { $person } stopped the task { $task }. Nothing more of it is sent, unless an admin lets it go on. An agent goes on in another: under another name, or unnamed 30 minutes after the stop.
task-no-name = (without a name)
error-task-unknown = This task is not kept any longer.
tasks = Tasks
tasks-sub = What agents and crons work at, and did lately
task-origin = By
no-tasks = No task yet
no-tasks-hint = A task appears with an agent’s first call, or a cron’s first run: pair an agent on the Agents page.
task = Task
task-unnamed = Not named
task-touched = Integrations
task-last = Last call
task-stop = Stop
task-stop-name = Stop { $task }
task-resume = Let it go on
task-resume-name = Let it go on: { $task }
task-resumed-now = Its agent may go on with it.
task-undo = Undo
task-stopped-now = Stopped: its calls were ended, and further ones are refused.
task-running = { $count ->
    [one] 1 call runs
   *[other] { $count } calls run
}
calls-wait = { $count ->
    [one] 1 call waits for your approval
   *[other] { $count } calls wait for your approval
}
call-waits = Waits for your approval
task-open = Open
task-over = Over
task-in-part = { $status }, some failed
task-in-vain = { $status }, all failed
task-stopped = Stopped by { $person }
task-stopped-until = Its calls are refused until { $time }
task-failed = { $count ->
    [one] 1 failed
   *[other] { $count } failed
}
task-refused = { $count ->
    [one] 1 refused
   *[other] { $count } refused
}
