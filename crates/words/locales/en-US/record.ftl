# The record: proof that it is whole, filters, export.

outcome-approved = Approved
outcome-denied = Denied
because-cron = Cron · { $name }
