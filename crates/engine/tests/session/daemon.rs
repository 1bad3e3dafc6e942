//! Who answers for the keyring in a test's session.

use anyhow::{Context, Result, ensure};
use std::{
    collections::HashMap,
    io::Write,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use zbus::{
    blocking::{Connection, Proxy, connection::Builder, fdo::DBusProxy},
    zvariant::{OwnedObjectPath, OwnedValue, Value},
};

const NAME: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";

/// A connection to the test's session.
pub fn bus() -> Result<Connection> {
    Connection::session().context("inside a session there is a bus")
}

/// How many items of the app's there are, locked or not.
pub fn items(bus: &Connection) -> Result<usize> {
    let service = Proxy::new(bus, NAME, PATH, "org.freedesktop.Secret.Service")?;
    let ours = HashMap::from([("service", "app.chief.integrations")]);
    let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
        service.call("SearchItems", &(ours,))?;
    Ok(unlocked.len() + locked.len())
}

/// The paths of all collections.
pub fn collections(bus: &Connection) -> Result<Vec<OwnedObjectPath>> {
    let service = Proxy::new(bus, NAME, PATH, "org.freedesktop.Secret.Service")?;
    Ok(service.get_property("Collections")?)
}

/// Locks the default collection.
pub fn lock(bus: &Connection) -> Result<()> {
    let service = Proxy::new(bus, NAME, PATH, "org.freedesktop.Secret.Service")?;
    let path: OwnedObjectPath = service.call("ReadAlias", &("default",))?;
    let (locked, _): (Vec<OwnedObjectPath>, OwnedObjectPath) =
        service.call("Lock", &(vec![&path],))?;
    ensure!(locked == [path], "it is locked without a prompt");
    Ok(())
}

/// A GNOME Keyring of the session's own.
pub struct Daemon(Child);

impl Daemon {
    /// With its login collection unlocked, which it makes on its first start.
    pub fn unlocked() -> Result<Self> {
        Self::start(&["--unlock"], true)
    }

    /// As it starts before anybody has logged in.
    pub fn started() -> Result<Self> {
        Self::start(&["--start"], false)
    }

    fn start(arguments: &[&str], password: bool) -> Result<Self> {
        let mut child = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--components=secrets"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("gnome-keyring-daemon cannot be started: is it installed?")?;
        let mut stdin = child.stdin.take().context("it was piped")?;
        if password {
            stdin.write_all(b"a test's password")?;
        }
        drop(stdin);
        let daemon = Self(child);
        wait_for(true)?;
        Ok(daemon)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
        let _ = wait_for(false);
    }
}

/// Waits until somebody owns the name, or nobody.
fn wait_for(owned: bool) -> Result<()> {
    let bus = bus()?;
    let daemon = DBusProxy::new(&bus)?;
    let began = Instant::now();
    while daemon.name_has_owner(NAME.try_into()?)? != owned {
        ensure!(
            began.elapsed() < Duration::from_secs(20),
            "the keyring's name is not owned as it should be"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A service that owns the name and never answers.
pub struct Hanging {
    calls: Arc<AtomicU32>,
    bus: Option<Connection>,
}

struct Silent(Arc<AtomicU32>);

#[zbus::interface(name = "org.freedesktop.Secret.Service")]
impl Silent {
    async fn open_session(
        &self,
        _algorithm: &str,
        _input: Value<'_>,
    ) -> zbus::fdo::Result<(OwnedValue, OwnedObjectPath)> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

impl Hanging {
    pub fn on_the_bus() -> Result<Self> {
        let calls = Arc::new(AtomicU32::new(0));
        let bus = Builder::session()?
            .serve_at(PATH, Silent(calls.clone()))?
            .name(NAME)?
            .build()?;
        Ok(Self {
            calls,
            bus: Some(bus),
        })
    }

    /// How often it was called.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        if let Some(bus) = self.bus.take() {
            // It may be gone with the session.
            let _ = bus.close();
        }
        let _ = wait_for(false);
    }
}
