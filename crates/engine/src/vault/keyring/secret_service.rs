//! Linux: the Secret Service of the session (GNOME Keyring, KWallet, KeePassXC).
//!
//! The store crate alone cannot tell "missing" from "locked": with a locked GNOME Keyring a search
//! finds nothing, and where it finds a locked item it prompts by itself. So each call first asks
//! the service how it is, over D-Bus with a time limit of its own, and only then believes the store.
//! Each call connects anew: a failure is never remembered.
//!
//! Secret Service API draft 0.2, freedesktop.org.

use super::SERVICE;
use crate::{
    ports::{Keyring, KeyringError},
    vault::short,
};
use keyring_core::{Entry, Error, api::CredentialStoreApi};
use std::{collections::HashMap, time::Duration};
use zbus::{
    blocking::{Connection, Proxy, connection::Builder, fdo::DBusProxy, proxy},
    names::BusName,
    proxy::CacheProperties,
    zvariant::{OwnedObjectPath, OwnedValue, Value},
};
use zbus_secret_service_keyring_store::Store;
use zeroize::Zeroizing;

const NAME: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
/// For each D-Bus call; below the limit of a keyring call, so that no thread is left hanging where
/// the service is what hangs.
const CALL_LIMIT: Duration = Duration::from_secs(4);

/// The session's own keyring.
#[derive(Default)]
pub struct SystemKeyring;

impl Keyring for SystemKeyring {
    fn read(&self, item: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        match Service::connect()?.find(item)? {
            Found::Missing => Ok(None),
            Found::Unlocked => match entry(item)?.get_secret() {
                Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
                Err(Error::NoEntry) => Ok(None),
                Err(error) => Err(refused(&error)),
            },
        }
    }

    fn write(&self, item: &str, bytes: &[u8]) -> Result<(), KeyringError> {
        // Also where the item is missing: the store would prompt for a locked collection.
        Service::connect()?.find(item)?;
        entry(item)?
            .set_secret(bytes)
            .map_err(|error| refused(&error))
    }

    fn delete(&self, item: &str) -> Result<(), KeyringError> {
        match Service::connect()?.find(item)? {
            Found::Missing => Ok(()),
            Found::Unlocked => match entry(item)?.delete_credential() {
                Ok(()) | Err(Error::NoEntry) => Ok(()),
                Err(error) => Err(refused(&error)),
            },
        }
    }

    fn unlock(&self) -> Result<(), KeyringError> {
        Service::connect()?.unlock()
    }
}

fn entry(item: &str) -> Result<Entry, KeyringError> {
    Store::new()
        .and_then(|store| store.build(SERVICE, item, None))
        .map_err(|error| refused(&error))
}

/// An item, where the service can be believed about it.
enum Found {
    Unlocked,
    Missing,
}

/// The service, which answered a moment ago.
struct Service {
    bus: Connection,
    service: Proxy<'static>,
}

impl Service {
    /// Finds out whether one answers. Starts it where the session can.
    fn connect() -> Result<Self, KeyringError> {
        let bus = Builder::session()
            .and_then(|builder| builder.method_timeout(CALL_LIMIT).build())
            .map_err(|error| match timed_out(&error) {
                true => KeyringError::Hanging,
                false => KeyringError::Absent,
            })?;
        start(&bus)?;
        let service = object(&bus, PATH, "org.freedesktop.Secret.Service")?;
        let service = Self { bus, service };
        service.greet()?;
        Ok(service)
    }

    /// The first call of every use, and the one that a service which hangs does not answer.
    fn greet(&self) -> Result<(), KeyringError> {
        let opened: zbus::Result<(OwnedValue, OwnedObjectPath)> = self
            .service
            .call("OpenSession", &("plain", Value::from("")));
        match opened {
            Ok((_, session)) => {
                // Only good manners: the session ends with this connection anyway.
                if let Ok(session) = object(
                    &self.bus,
                    session.as_str(),
                    "org.freedesktop.Secret.Session",
                ) {
                    let _: zbus::Result<()> = session.call("Close", &());
                }
                Ok(())
            }
            // A service may take encrypted sessions only: it did answer.
            Err(zbus::Error::MethodError(name, ..))
                if name.as_str() == "org.freedesktop.DBus.Error.NotSupported" =>
            {
                Ok(())
            }
            Err(error) => Err(trouble(&error)),
        }
    }

    /// The default collection; `None` where there is none yet.
    fn collection(&self) -> Result<Option<OwnedObjectPath>, KeyringError> {
        let path: OwnedObjectPath = self
            .service
            .call("ReadAlias", &("default",))
            .map_err(|error| trouble(&error))?;
        Ok((path.as_str() != "/").then_some(path))
    }

    fn is_locked(&self, collection: &OwnedObjectPath) -> Result<bool, KeyringError> {
        object(
            &self.bus,
            collection.as_str(),
            "org.freedesktop.Secret.Collection",
        )?
        .get_property("Locked")
        .map_err(|error| trouble(&error))
    }

    /// Looks for an item. `Locked` unless it is there unlocked, or the default collection is
    /// unlocked and nothing of that name lies locked elsewhere.
    fn find(&self, item: &str) -> Result<Found, KeyringError> {
        let wanted = HashMap::from([("service", SERVICE), ("username", item)]);
        let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = self
            .service
            .call("SearchItems", &(wanted,))
            .map_err(|error| trouble(&error))?;
        let usable = match self.collection()? {
            Some(collection) => !self.is_locked(&collection)?,
            None => false,
        };
        match (unlocked.is_empty(), locked.is_empty(), usable) {
            // With a locked item beside it the store would prompt.
            (false, true, true) => Ok(Found::Unlocked),
            (true, true, true) => Ok(Found::Missing),
            (_, _, _) => Err(KeyringError::Locked),
        }
    }

    /// Unlocks the default collection, or makes it where there is none, by the service's own
    /// prompt.
    fn unlock(&self) -> Result<(), KeyringError> {
        let prompt: OwnedObjectPath = match self.collection()? {
            Some(collection) if !self.is_locked(&collection)? => return Ok(()),
            Some(collection) => self
                .service
                .call("Unlock", &(vec![collection],))
                .map(|(_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath)| prompt),
            None => {
                let label = HashMap::from([(
                    "org.freedesktop.Secret.Collection.Label",
                    Value::from("Login"),
                )]);
                self.service
                    .call("CreateCollection", &(label, "default"))
                    .map(|(_, prompt): (OwnedObjectPath, OwnedObjectPath)| prompt)
            }
        }
        .map_err(|error| trouble(&error))?;
        if prompt.as_str() != "/" {
            self.prompt(&prompt)?;
        }
        match self.collection()? {
            Some(collection) if !self.is_locked(&collection)? => Ok(()),
            Some(_) | None => Err(KeyringError::Locked),
        }
    }

    /// Shows the service's prompt and waits for the person.
    fn prompt(&self, prompt: &OwnedObjectPath) -> Result<(), KeyringError> {
        let prompt = object(&self.bus, prompt.as_str(), "org.freedesktop.Secret.Prompt")?;
        let mut answers = prompt
            .receive_signal("Completed")
            .map_err(|error| trouble(&error))?;
        let _: () = prompt
            .call("Prompt", &("",))
            .map_err(|error| trouble(&error))?;
        let answer = answers.next().ok_or(KeyringError::Absent)?;
        match answer.body().deserialize::<(bool, Value<'_>)>() {
            Ok((false, _)) => Ok(()),
            Ok((true, _)) => Err(KeyringError::Locked),
            Err(_) => Err(KeyringError::Failed(
                "its prompt cannot be understood".into(),
            )),
        }
    }
}

/// Makes sure that somebody owns the service's name.
fn start(bus: &Connection) -> Result<(), KeyringError> {
    let daemon = DBusProxy::new(bus).map_err(|error| trouble(&error))?;
    let name = BusName::try_from(NAME).map_err(|_| KeyringError::Absent)?;
    if daemon
        .name_has_owner(name)
        .map_err(|error| trouble(&error.into()))?
    {
        return Ok(());
    }
    let started: zbus::Result<u32> = object_of(
        bus,
        "org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus",
    )?
    .call("StartServiceByName", &(NAME, 0_u32));
    match started {
        Ok(_) => Ok(()),
        Err(error) if timed_out(&error) => Err(KeyringError::Hanging),
        // Not installed, not in this session, or it could not start: there is none.
        Err(_) => Err(KeyringError::Absent),
    }
}

fn object(bus: &Connection, path: &str, interface: &str) -> Result<Proxy<'static>, KeyringError> {
    object_of(bus, NAME, path, interface)
}

fn object_of(
    bus: &Connection,
    name: &str,
    path: &str,
    interface: &str,
) -> Result<Proxy<'static>, KeyringError> {
    proxy::Builder::<Proxy<'static>>::new(bus)
        .destination(name.to_owned())
        .and_then(|builder| builder.path(path.to_owned()))
        .and_then(|builder| builder.interface(interface.to_owned()))
        .and_then(|builder| builder.cache_properties(CacheProperties::No).build())
        .map_err(|error| trouble(&error))
}

fn timed_out(error: &zbus::Error) -> bool {
    match error {
        zbus::Error::InputOutput(error) => error.kind() == std::io::ErrorKind::TimedOut,
        zbus::Error::MethodError(name, ..) => matches!(
            name.as_str(),
            "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.TimedOut"
        ),
        zbus::Error::FDO(error) => matches!(
            **error,
            zbus::fdo::Error::NoReply(_)
                | zbus::fdo::Error::TimedOut(_)
                | zbus::fdo::Error::Timeout(_)
        ),
        _ => false,
    }
}

/// What a D-Bus error means here.
fn trouble(error: &zbus::Error) -> KeyringError {
    if timed_out(error) {
        return KeyringError::Hanging;
    }
    if let zbus::Error::MethodError(name, ..) = error {
        match name.as_str() {
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner"
            | "org.freedesktop.DBus.Error.Disconnected" => return KeyringError::Absent,
            "org.freedesktop.Secret.Error.IsLocked" => return KeyringError::Locked,
            _ => {}
        }
    }
    KeyringError::Failed(short(&error.to_string()))
}

/// The store's error, without the bytes that some of its forms carry.
fn refused(error: &Error) -> KeyringError {
    match error {
        // A locked collection, or a prompt that was dismissed.
        Error::NoStorageAccess(_) => KeyringError::Locked,
        Error::PlatformFailure(inner) => KeyringError::Failed(short(&inner.to_string())),
        Error::NoEntry => KeyringError::Failed("no such item".into()),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            KeyringError::Failed("the item cannot be read".into())
        }
        Error::Ambiguous(_) => KeyringError::Failed("there are several items of that name".into()),
        Error::NoDefaultStore => KeyringError::Absent,
        _ => KeyringError::Failed("it refused".into()),
    }
}
