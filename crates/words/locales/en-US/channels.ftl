# Where notices go besides this computer: Slack.
because-notice = Telling admins
error-slack-refused = Slack did not take the message: { $why }.
error-slack-scope = This Slack token may not tell admins: it lacks { $why }. Add that to the Slack app’s bot scopes, install the app again, and paste its new token.
error-slack-not-a-bot = { $integration } is signed in as a person: Slack would show the message as written by that person, and to themselves without a sound. Connect Slack with a bot token (xoxb-…) and choose that one.
error-slack-no-person = Nobody in this Slack workspace has the address { $address }. Correct it, or ask that person which one their Slack account has.

# What the message says.
slack-resolved = Over: { $name }
slack-resolved-hint = Nothing is left to do here.
slack-where = Open Chief Integrations on the admin’s computer to mend it.
slack-where-resume = Open Chief Integrations on the admin’s computer to resume.
slack-test = Chief Integrations can reach you here
slack-test-hint = This is the test message. When a token is about to end, or an integration stops working, you get one message like this, and it is changed once that is over.

# Settings.
channels = Notices in Slack
channels-hint = One direct message to each admin when a token is about to end or an integration stops working, changed once that is over. Notices on this computer go on as before.
channels-no-slack = Connect Slack with a bot token first: its tile says how.
slack-from = Sent by
slack-nobody = Nobody: not in Slack
slack-admins = Admins’ e-mail addresses
slack-admins-hint = As in their Slack accounts, separated by commas.
slack-kinds = Tell them when
slack-kind-expiring = A token is about to end
slack-kind-failing = An integration is failing, or a cron cannot start
slack-quiet = Quiet hours
slack-quiet-hint = No message begins between these times. What happens meanwhile is told afterwards, if it still holds.
slack-quiet-from = From
slack-quiet-until = Until
slack-send-test = Send a test message
slack-sending = Sending…
slack-test-arrived = { $address }: it arrived.
slack-test-failed = { $address }: { $why }
notice-not-in-slack = Not told in Slack: { $why } It is tried again.
