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
