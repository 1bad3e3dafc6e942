status-healthy = Healthy
status-expiring = Expiring
status-failing = Failing

fix-reconnect = Reconnect
fix-paste-key = Paste a fresh key
fix-test = Test
fix-unlock = Unlock
fix-switch-on = Switch on

reason-ok = Everything works.
reason-rate-limited = { $name } asks to slow down until { $when }. Nothing is broken.
reason-ends-on = The token of { $name } ends on { $when } and cannot renew itself.
reason-vendor-ends = The vendor of { $name } ends this kind of access on { $when }.
reason-rejected = { $name } no longer accepts this credential since { $when }.
reason-needs-access = { $name } forbids what the check needs since { $when }.
reason-unreachable = { $name } has not answered since { $when }.
reason-issuer-changed = { $name } now uses another sign-in server. Its old credential was not sent there.
reason-restored-from-backup = The credential of { $name } comes from a backup and may be out of date.
reason-keyring-lost = The credential of { $name } can no longer be opened: its key left the keyring.
reason-run-ended = The credential of { $name } was kept for one run of the app only, as you chose, and that run has ended.

tools-count = { $count ->
    [one] one tool
   *[other] { $count } tools
}
