# Crons: what is paused, in notices, on cards, and on the page.
crons-and = and
cron-paused = { $name } is paused.
crons-paused = { $names } are paused.
cron-did-not-start = { $name } did not start
crons-did-not-start = { $count ->
    [one] 1 cron did not start
   *[other] { $count } crons did not start
}
integrations-again = { $count ->
    [one] 1 integration works again
   *[other] { $count } integrations work again
}
crons-paused-here = Paused: { $names }
crons-again = { $name } works again.
crons-resume = { $count ->
    [one] Resume 1 cron
   *[other] Resume { $count } crons
}
crons-resumed = { $count ->
    [0] No cron was waiting any more.
    [one] 1 cron goes on.
   *[other] { $count } crons go on.
}
crons-still-held = Lifted here. It still waits for { $names }, whose failure paused it as well.
breaks-crons = { $names } will not start any more.

# --- the page
crons = Crons
crons-sub = Calls that are made by a schedule, and agents’ own schedules
crons-none = No crons yet
crons-none-sentence = A cron makes calls by a schedule. Where an integration stops working, its crons are paused, and go on exactly as they were once it is mended.
crons-none-here = No cron depends on this integration.
cron-new = New cron
cron-edit-name = Edit { $name }
cron-copy-name = Copy of { $name }
cron-col = Cron
cron-col-next = Next run
cron-col-last = Last runs
cron-col-do = Actions
cron-of-agent = { $name }’s own
cron-pause = Pause
cron-resume = Resume
cron-run = Run now
cron-edit = Edit
cron-duplicate = Duplicate
cron-delete = Delete
cron-undo = Undo
cron-deleted = { $name } was deleted.
cron-restored = { $name } is back.
cron-began = { $name } runs now.
cron-paused-now = { $name } is paused until you resume it.
cron-resumed-now = { $name } goes on.
cron-paused-by = Paused by { $name }
cron-held-by = Paused: { $names } fails
crons-held-by = Paused: { $names } fail
cron-held-over = Paused since { $names } failed; it works again
crons-held-over = Paused since { $names } failed; they work again
cron-never-ran = has not run yet
cron-runs-now = runs now
cron-next-none = not scheduled
cron-waits-since = waits since { $at }
cron-history = Runs of { $name }
cron-history-show = Show the runs
run-ok = went well
run-failed = failed
run-not-started = did not start
run-timed-out = took too long
run-interrupted = interrupted by the end of the app; not repeated
run-running = runs
cause-schedule = by the schedule
cause-catch-up = for what was missed
cause-admin = by { $name }
cause-agent = by its agent
cron-day = The next 24 hours
cron-day-now = now
cron-day-none = No run is due in the next 24 hours.

# --- the form
cron-schedule = Schedule
cron-schedule-hint = Minute, hour, day of month, month, day of week
cron-zone = Time zone
cron-next-five = The next runs
cron-preset-hourly = every hour
cron-preset-daily = every day at 09:00
cron-preset-weekdays = every weekday at 09:00
cron-preset-weekly = every Monday at 09:00
cron-preset-monthly = on the 1st at 09:00
cron-a-day = Runs in the next 24 hours: { $runs } · calls: { $calls }
cron-costs = It runs each minute: { $calls } calls a day.
shift-moved = The clock changes: this time of day does not exist, so it runs as soon as the clock has moved on.
shift-once = The clock changes: this time of day comes twice, and it runs the first time only.
shift-twice = The clock changes: this time of day comes twice, and it runs both times.
shift-ahead = On { $wall }:
cron-calls = Calls, one after the other
cron-call-n = Call { $n }
cron-call-add = Add a call
cron-call-remove = Remove call { $n }
cron-call-up = Move call { $n } up
cron-tool = Tool
cron-integration = Integration
cron-choose = Choose…
cron-arguments-json = Arguments, as JSON
cron-arguments-none = This tool takes no arguments.
cron-missed = Runs that were missed
cron-missed-catch-up = Run once, as soon as it can
cron-missed-leave-out = Leave them out
cron-limit = Time limit, in minutes
cron-saved = { $name } is saved.

# --- schedules in words
cron-each-minute = every minute
cron-minutes = every { $n } minutes
cron-hourly = every hour at :{ $n }
cron-daily = every day at { $at }
cron-weekdays = every weekday at { $at }
cron-weekly = { $day } at { $at }
cron-monthly = on day { $day } of the month at { $at }
on-sun = every Sunday
on-mon = every Monday
on-tue = every Tuesday
on-wed = every Wednesday
on-thu = every Thursday
on-fri = every Friday
on-sat = every Saturday

# --- settings
resume-after-outage = Crons that an outage paused go on by themselves once it is over
resume-after-outage-hint = Those that a refused credential paused always wait for you.

# --- what an agent is told
cron-agent-paused = Paused by { $name }. Do not run until an admin has resumed it.
cron-agent-held = Paused because { $name } is failing. { $why }
cron-agent-waits = Paused since { $name } failed. It works again, and an admin is still to resume it.
