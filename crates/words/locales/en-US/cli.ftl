# The chief command.
