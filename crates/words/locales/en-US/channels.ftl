# Where notices go besides this computer: Slack.
