# The system's own notifications. The name is the integration's.
notice-failing = { $name } is failing
notice-failing-stopped = Until it works again, tasks do without it.
notice-expiring = { $name } expires soon
notice-expiring-stopped = Nothing has stopped yet.
notice-several-failing = { $count ->
    [one] one integration is failing
   *[other] { $count } integrations are failing
}
notice-several-failing-stopped = Until they work again, tasks do without them.
notice-several-expiring = { $count ->
    [one] one integration expires soon
   *[other] { $count } integrations expire soon
}
notice-and-more = { $count ->
    [one] and one more
   *[other] and { $count } more
}
notice-open = Open

# --- the inbox
notices = Notices
notices-sub = What you were told, and what is still to be done
notices-new = { $count ->
    [one] one new notice
   *[other] { $count } new notices
}
notices-new-word = new
no-notices = Nothing to tell
no-notices-hint = When a token is about to end, or an integration stops working, it stands here.
col-cause = Cause
col-fix = What to do
notice-about = About
notice-resolved = Resolved
notice-stuck = Did not start
notice-well = Works again
notice-seen = Mark as seen
notice-snooze = Snooze for a day
notice-snoozed-until = Put off until { $at }
notice-tell-now = Tell me now
notice-not-shown = Not shown on this desktop: { $why }. It is tried again.
