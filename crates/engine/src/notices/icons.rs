//! Whether this desktop shows icons beside the clock.

/// On Linux it says so on the session bus (StatusNotifierItem specification), which stock GNOME does
/// not.
#[cfg(target_os = "linux")]
pub async fn host_is_there() -> bool {
    const WATCHER: &str = "org.kde.StatusNotifierWatcher";
    let ask = async {
        let bus = zbus::Connection::session().await?;
        let properties = Some("org.freedesktop.DBus.Properties");
        let wanted = (WATCHER, "IsStatusNotifierHostRegistered");
        let answer = bus
            .call_method(
                Some(WATCHER),
                "/StatusNotifierWatcher",
                properties,
                "Get",
                &wanted,
            )
            .await?;
        let answer = answer.body().deserialize::<zbus::zvariant::OwnedValue>()?;
        Ok::<bool, zbus::Error>(bool::try_from(answer)?)
    };
    let limit = std::time::Duration::from_secs(2);
    matches!(tokio::time::timeout(limit, ask).await, Ok(Ok(true)))
}

/// Windows and macOS always show them.
#[cfg(not(target_os = "linux"))]
pub async fn host_is_there() -> bool {
    true
}
