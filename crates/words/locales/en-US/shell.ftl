tray-open = Open
tray-test-all = Test all
tray-quit = Quit: checks and crons stop
tray-nothing = Nothing needs you
tray-not-started = It could not start. Open it to see why.
tray-pause = Pause checks for an hour
tray-resume = Resume checks
error-desktop-refused = This desktop did not do that: { $why }.

# Without the window.
background = In the background
background-hint = Connections are checked, tokens renewed and admins told while the window is closed, as long as the app runs.
at-login = Start when I sign in to this computer, without a window
at-login-unknown = This desktop does not say what starts with it.
pause-checks = Pause checks for an hour
resume-checks = Resume checks
data-damaged = The data on this computer’s disk is damaged. Quit the app and start it again: it goes back to the backup of { $at }.
data-damaged-alone = The data on this computer’s disk is damaged, and there is no backup to go back to. Export the record in Activity first: once it was quit, the app may not start again.
data-came-back = The data was damaged, and came back from the backup of { $at }. What was changed after that is undone: agents that were removed are there again, and so are crons; denials and pauses are not. Look through them: until you go on, agents and crons wait. The damaged files are in { $place }.
data-go-on = Go on
no-backup = No backup of the data could be made: { $why }
no-backup-since = The newest backup of the data is of { $at }: no later one could be made. { $why }
checks-paused = Checks are paused until { $when }. Tokens are still renewed.
quit-title = Quit Chief Integrations?
quit-hint = This desktop has no place beside the clock where the app could go on without its window. Until it is started again, no connection is checked, no cron runs, and agents cannot call.
quit-minimise = Minimise instead
quit-quit = Quit
