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
checks-paused = Checks are paused until { $when }. Tokens are still renewed.
quit-title = Quit Chief Integrations?
quit-hint = This desktop has no place beside the clock where the app could go on without its window. Until it is started again, no connection is checked, no cron runs, and agents cannot call.
quit-minimise = Minimise instead
quit-quit = Quit
