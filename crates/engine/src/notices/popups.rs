//! The system's own notifications on Linux: `org.freedesktop.Notifications` on the session bus
//! (Desktop Notifications Specification 1.3).
//!
//! Owns: the connection, ids and handles, and what comes back. Must not know: what a notice is.
//!
//! A handle is `BUS/OWNER/ID`: an id means something only to the daemon that gave it, and a daemon
//! that starts anew counts anew. The first telling asks for an id of our own choice, made of the
//! popup's: by the specification a `replaces_id` that is not 0 is also the id that comes back, so a
//! second telling whose first was not noted takes its place.

use crate::ports::{Popup, PopupEvent, Press, Urgency};
use futures::StreamExt as _;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use zbus::{Connection, fdo, names::BusName, zvariant::Value};

/// How long the daemon may take over one call.
const LIMIT: Duration = Duration::from_secs(10);
const NAME: &str = "org.freedesktop.Notifications";
/// What the desktop entry is called without its `.desktop`: names the app and its icon.
const ENTRY: &str = "Chief Integrations";

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications",
    gen_blocking = false
)]
trait Notifications {
    #[expect(clippy::too_many_arguments, reason = "the specification's own")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Value<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;

    fn close_notification(&self, id: u32) -> zbus::Result<()>;

    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;

    #[zbus(signal)]
    fn action_invoked(&self, id: u32, action_key: String);

    #[zbus(signal)]
    fn notification_closed(&self, id: u32, reason: u32);
}

type On = Arc<dyn Fn(PopupEvent) + Send + Sync>;

/// Shows popups, and tells what the system says of them.
pub struct Popups {
    on: On,
    session: tokio::sync::Mutex<Option<Session>>,
}

/// One connection to the session bus.
struct Session {
    bus: Connection,
    proxy: NotificationsProxy<'static>,
    daemon: Arc<Mutex<Option<Daemon>>>,
    listening: tokio::task::JoinHandle<()>,
}

/// Who shows popups now.
#[derive(Clone)]
struct Daemon {
    owner: String,
    actions: bool,
    markup: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Popups {
    /// Asks nothing yet. `on` is told what comes back, from the first telling on.
    pub fn new(on: impl Fn(PopupEvent) + Send + Sync + 'static) -> Self {
        Self {
            on: Arc::new(on),
            session: tokio::sync::Mutex::default(),
        }
    }

    /// Shows a popup, or replaces the one that `handle` names. Its handle.
    ///
    /// # Errors
    /// A short reason: no session bus, nobody there, no answer within ten seconds.
    pub async fn show(&self, popup: &Popup, handle: Option<&str>) -> Result<String, String> {
        self.ask(async |session| session.show(popup, handle).await)
            .await
    }

    /// Takes a popup off the screen. Nothing where it is of a daemon that is gone.
    ///
    /// # Errors
    /// As for showing.
    pub async fn withdraw(&self, handle: &str) -> Result<(), String> {
        self.ask(async |session| session.withdraw(handle).await)
            .await
    }

    async fn ask<T>(
        &self,
        what: impl AsyncFnOnce(&Session) -> zbus::Result<T>,
    ) -> Result<T, String> {
        let mut held = self.session.lock().await;
        let asked = async {
            let session = match held.take() {
                Some(session) => session,
                None => Session::begin(self.on.clone()).await?,
            };
            let answer = what(&session).await;
            Ok::<_, zbus::Error>((session, answer))
        };
        match tokio::time::timeout(LIMIT, asked).await {
            Ok(Ok((session, answer))) => {
                // A bus that is gone does not come back on the same connection.
                if !matches!(answer, Err(zbus::Error::InputOutput(_))) {
                    *held = Some(session);
                }
                answer.map_err(|error| reason(&error))
            }
            Ok(Err(error)) => {
                tracing::info!(%error, "no session bus");
                Err("this desktop has no session bus".to_owned())
            }
            Err(_) => Err("what shows notifications did not answer".to_owned()),
        }
    }
}

fn reason(error: &zbus::Error) -> String {
    match error {
        zbus::Error::MethodError(name, _, _)
            if name.as_str() == "org.freedesktop.DBus.Error.ServiceUnknown"
                || name.as_str() == "org.freedesktop.DBus.Error.NameHasNoOwner" =>
        {
            "nothing on this desktop shows notifications".to_owned()
        }
        // Another program's words stay out: the kind of error is enough.
        zbus::Error::MethodError(name, _, _) => format!("notifications were refused: {name}"),
        zbus::Error::InputOutput(_) => "the session bus is gone".to_owned(),
        _ => "the session bus gave an answer that cannot be read".to_owned(),
    }
}

impl Session {
    async fn begin(on: On) -> zbus::Result<Self> {
        let bus = Connection::session().await?;
        let proxy = NotificationsProxy::new(&bus).await?;
        let daemon: Arc<Mutex<Option<Daemon>>> = Arc::default();
        // In one stream: a daemon says that a popup is pressed and that it closes in one breath, and the
        // second is not to be heard first.
        let mut signals = proxy.inner().receive_all_signals().await?;
        let mut owners = proxy.inner().receive_owner_changed().await?;
        let guid = bus.server_guid().to_string();
        let known = daemon.clone();
        let listening = tokio::spawn(async move {
            loop {
                tokio::select! {
                    Some(message) = signals.next() => {
                        if let Some(event) = said(&message, &guid) {
                            on(event);
                        }
                    }
                    Some(owner) = owners.next() => {
                        *known.lock().unwrap_or_else(PoisonError::into_inner) = None;
                        if owner.is_some() {
                            on(PopupEvent::Ready);
                        }
                    }
                    else => return,
                }
            }
        });
        Ok(Self {
            bus,
            proxy,
            daemon,
            listening,
        })
    }

    /// Who answers. The bus starts it, where it can.
    async fn daemon(&self) -> zbus::Result<Daemon> {
        let known = self.known().clone();
        if let Some(known) = known {
            return Ok(known);
        }
        // Starts it, so this is asked before its name's owner.
        let can = self.proxy.get_capabilities().await?;
        let owner = fdo::DBusProxy::new(&self.bus)
            .await?
            .get_name_owner(BusName::try_from(NAME)?)
            .await?;
        let has = |what: &str| can.iter().any(|each| each == what);
        let daemon = Daemon {
            owner: owner.to_string(),
            actions: has("actions"),
            markup: has("body-markup"),
        };
        *self.known() = Some(daemon.clone());
        Ok(daemon)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<Daemon>> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of a handle, where the daemon that gave it still runs.
    fn id(&self, daemon: &Daemon, handle: &str) -> Option<u32> {
        let ours = format!("{}/{}/", self.bus.server_guid(), daemon.owner);
        handle.strip_prefix(&ours)?.parse().ok()
    }

    async fn show(&self, popup: &Popup, handle: Option<&str>) -> zbus::Result<String> {
        let daemon = self.daemon().await?;
        let replaces = handle
            .and_then(|handle| self.id(&daemon, handle))
            .unwrap_or_else(|| first_id(popup));
        let mut actions = vec!["default", ""];
        for (press, label) in &popup.buttons {
            let key = match press {
                Press::Fix => "fix",
                Press::Resume => "resume",
                Press::Open => "open",
                Press::Deny => "deny",
            };
            actions.extend([key, label.as_str()]);
        }
        if !daemon.actions {
            actions.clear();
        }
        let body = if daemon.markup {
            escaped(&popup.body)
        } else {
            popup.body.clone()
        };
        let (urgency, expires) = match popup.urgency {
            Urgency::Normal => (1_u8, -1),
            Urgency::Critical => (2, 0),
        };
        let hints = HashMap::from([
            ("urgency", Value::from(urgency)),
            ("desktop-entry", Value::from(ENTRY)),
            ("category", Value::from("network.error")),
        ]);
        let id = self
            .proxy
            .notify(
                "Chief Integrations",
                replaces,
                "chief-integrations",
                &popup.title,
                &body,
                &actions,
                hints,
                expires,
            )
            .await?;
        Ok(format!("{}/{}/{id}", self.bus.server_guid(), daemon.owner))
    }

    async fn withdraw(&self, handle: &str) -> zbus::Result<()> {
        let daemon = match self.daemon().await {
            Ok(daemon) => daemon,
            // What it showed went with it.
            Err(zbus::Error::MethodError(..)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some(id) = self.id(&daemon, handle) else {
            return Ok(());
        };
        match self.proxy.close_notification(id).await {
            // It is off the screen already.
            Err(zbus::Error::MethodError(..)) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What a signal of the daemon says.
fn said(message: &zbus::Message, guid: &str) -> Option<PopupEvent> {
    let header = message.header();
    let sender = header.sender()?;
    let handle = |id: u32| format!("{guid}/{sender}/{id}");
    if let Some(signal) = NotificationClosed::from_message(message.clone()) {
        let handle = handle(signal.args().ok()?.id);
        return Some(PopupEvent::Closed { handle });
    }
    let signal = ActionInvoked::from_message(message.clone())?;
    let said = signal.args().ok()?;
    let press = match said.action_key.as_str() {
        "fix" => Press::Fix,
        "resume" => Press::Resume,
        "deny" => Press::Deny,
        "open" | "default" => Press::Open,
        _ => return None,
    };
    let handle = handle(said.id);
    Some(PopupEvent::Pressed { handle, press })
}

/// An id that is the popup's own and far from those that daemons count up from 1.
fn first_id(popup: &Popup) -> u32 {
    let bytes = popup.id.0.as_bytes();
    // The last four bytes of a UUIDv7 are random.
    let random = u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    (random | 0x4000_0000) & 0x7fff_ffff
}

/// Plain text for a body that is read as markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
