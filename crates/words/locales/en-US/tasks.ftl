# Tasks, policy and approvals, tools that changed.
