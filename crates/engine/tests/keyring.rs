//! The real keyring of a Linux session, in each of its faces: a GNOME Keyring that is unlocked,
//! locked, or was never unlocked; a service that owns the name and never answers; none at all.
//!
//! Each test starts itself again inside a session bus of its own, with a home of its own, so that
//! nobody's keyring is touched. `dbus-run-session` or `gnome-keyring-daemon` missing is a failure.
#![cfg(target_os = "linux")]

#[path = "session/daemon.rs"]
mod daemon;
#[path = "session/inside.rs"]
mod inside;

use anyhow::{Context, Result, ensure};
use chief_engine::{
    ports::{Keyring, KeyringError},
    secret::Secret,
    store::{
        Store,
        integrations::{self, IntegrationRow},
    },
    vault::{Credential, Vault, keyring::SystemKeyring},
};
use daemon::{Daemon, Hanging, bus, collections, items, lock};
use inside::inside;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use uuid::Uuid;
use wire::{ErrorCode, IntegrationId, KeyringView, Kind, Time};

const ITEM: &str = "key-1-of-a-test";
/// Not text, with a zero in it.
const BYTES: [u8; 5] = [0xff, 0x00, 0x80, b'\n', 0xfe];

/// A vault over the session's keyring, in a folder of its own.
fn vault() -> Result<(TempDir, Vault)> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path())?;
    let vault = Vault::new(store, Arc::new(SystemKeyring), folder.path());
    Ok((folder, vault))
}

fn id(n: u128) -> IntegrationId {
    IntegrationId(Uuid::from_u128(n))
}

async fn add(vault: &Vault, n: u128, token: &str) -> Result<(), wire::Error> {
    let credential = Credential::Bearer {
        token: Secret::new(token),
    };
    let row = IntegrationRow {
        id: id(n),
        slug: format!("s{n}"),
        name: format!("Orders {n}"),
        kind: Kind::Api,
        config_json: "{}".into(),
        account_id: None,
        account_label: None,
        connected_by: "Ann".into(),
        connected_at: Time(0),
        enabled: true,
        state_json: "{}".into(),
        protocol: None,
        server: None,
        probed_at: None,
        last_used: None,
        provider: None,
    };
    vault
        .save(id(n), credential, None, move |tx| {
            integrations::add(tx, &row)
        })
        .await
        .map(|_| ())
}

async fn told(vault: &Vault, n: u128) -> String {
    match vault.open(id(n)).await {
        Ok((Credential::Bearer { token }, _)) => token.reveal().to_owned(),
        Ok(_) => "another kind".into(),
        Err(error) => error.code.as_str().into(),
    }
}

/// Every call fails like this, within its time, from a thread that is not the runtime's.
fn all_fail_with(fault: &KeyringError, within: Duration) -> Result<()> {
    let began = Instant::now();
    let read = SystemKeyring.read(ITEM).err();
    let missing = SystemKeyring.read("an item that never was").err();
    let write = SystemKeyring.write(ITEM, b"written over").err();
    let fresh = SystemKeyring.write("a new item", b"new").err();
    let delete = SystemKeyring.delete(ITEM).err();
    for (call, error) in [
        ("read", read),
        ("missing", missing),
        ("write", write),
        ("fresh", fresh),
        ("delete", delete),
    ] {
        ensure!(
            error.as_ref() == Some(fault),
            "{call}: {error:?}, not {fault:?}"
        );
    }
    ensure!(began.elapsed() < within, "it took {:?}", began.elapsed());
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?)
}

#[test]
fn an_unlocked_keyring_keeps_and_gives_back() -> Result<()> {
    inside("an_unlocked_keyring_keeps_and_gives_back", None, || {
        let _daemon = Daemon::unlocked()?;
        let keyring = SystemKeyring;
        ensure!(
            keyring.read(ITEM)?.is_none(),
            "missing is missing, where it is unlocked"
        );
        keyring.delete(ITEM)?;
        keyring.write(ITEM, &BYTES)?;
        ensure!(keyring.read(ITEM)?.is_some_and(|read| *read == BYTES));
        keyring.write(ITEM, b"second")?;
        ensure!(keyring.read(ITEM)?.is_some_and(|read| *read == b"second"));
        ensure!(items(&bus()?)? == 1, "replaced, not added");
        keyring.unlock()?;
        keyring.delete(ITEM)?;
        ensure!(keyring.read(ITEM)?.is_none());

        runtime()?.block_on(async {
            let (folder, vault) = vault()?;
            vault.ready().await?;
            add(&vault, 1, "stays").await?;
            add(&vault, 2, "goes").await?;
            drop(vault);
            let store = Store::open(folder.path())?;
            let vault = Vault::new(store, Arc::new(SystemKeyring), folder.path());
            ensure!(told(&vault, 1).await == "stays", "in the next run too");
            vault
                .destroy(id(2), |tx| integrations::remove(tx, id(2), Time(0)))
                .await?;
            ensure!(told(&vault, 1).await == "stays");
            ensure!(vault.state() == KeyringView::Ready);
            Ok(())
        })?;
        ensure!(
            items(&bus()?)? == 1,
            "the old key is gone, the new one is there"
        );
        Ok(())
    })
}

#[test]
fn a_locked_keyring_is_locked_whatever_is_asked_and_nothing_in_it_changes() -> Result<()> {
    inside(
        "a_locked_keyring_is_locked_whatever_is_asked_and_nothing_in_it_changes",
        None,
        || {
            let daemon = Daemon::unlocked()?;
            SystemKeyring.write(ITEM, &BYTES)?;
            let runtime = runtime()?;
            let (folder, first) = vault()?;
            runtime.block_on(add(&first, 1, "sealed"))?;
            drop(first);
            let before = items(&bus()?)?;
            lock(&bus()?)?;

            all_fail_with(&KeyringError::Locked, Duration::from_secs(4))?;
            let store = Store::open(folder.path())?;
            let vault = Vault::new(store, Arc::new(SystemKeyring), folder.path());
            runtime.block_on(async {
                let error = vault.ready().await.err().context("it is locked")?;
                ensure!(error.code == ErrorCode::KeyringLocked, "{error}");
                ensure!(vault.state() == KeyringView::Locked);
                ensure!(told(&vault, 1).await == "keyring-locked", "not: lost");
                let added = add(&vault, 2, "new").await.err().map(|error| error.code);
                ensure!(added == Some(ErrorCode::KeyringLocked), "{added:?}");
                let gone = vault
                    .destroy(id(1), |tx| integrations::remove(tx, id(1), Time(0)))
                    .await
                    .err();
                ensure!(gone.map(|error| error.code) == Some(ErrorCode::KeyringLocked));
                // Nobody is there to answer the prompt.
                ensure!(vault.unlock().await == KeyringView::Locked);
                Ok(())
            })?;

            // The person unlocks it: the same daemon would ask on screen, a new one takes the password.
            drop(daemon);
            let _daemon = Daemon::unlocked()?;
            ensure!(items(&bus()?)? == before, "nothing was added or deleted");
            ensure!(SystemKeyring.read(ITEM)?.is_some_and(|read| *read == BYTES));
            runtime.block_on(async {
                ensure!(
                    told(&vault, 1).await == "sealed",
                    "and no restart is needed"
                );
                ensure!(vault.state() == KeyringView::Ready);
                Ok(())
            })
        },
    )
}

#[test]
fn a_keyring_that_was_never_unlocked_is_locked_and_not_empty() -> Result<()> {
    inside(
        "a_keyring_that_was_never_unlocked_is_locked_and_not_empty",
        None,
        || {
            let _daemon = Daemon::started()?;
            let before = collections(&bus()?)?;
            all_fail_with(&KeyringError::Locked, Duration::from_secs(4))?;
            runtime()?.block_on(async {
                let (_folder, vault) = vault()?;
                let error = vault.ready().await.err().context("it is locked")?;
                ensure!(error.code == ErrorCode::KeyringLocked, "{error}");
                Ok(())
            })?;
            ensure!(collections(&bus()?)? == before, "no collection was made");
            Ok(())
        },
    )
}

#[test]
fn a_keyring_that_the_session_can_start_is_started() -> Result<()> {
    inside(
        "a_keyring_that_the_session_can_start_is_started",
        None,
        || {
            // Nobody owns the name; the bus knows how to start the service, which nobody has unlocked.
            let read = SystemKeyring.read(ITEM);
            ensure!(
                matches!(read, Err(KeyringError::Locked)),
                "{:?}",
                read.err()
            );
            ensure!(
                !collections(&bus()?)?.is_empty() || items(&bus()?)? == 0,
                "it runs now"
            );
            Ok(())
        },
    )
}

#[test]
fn a_keyring_that_never_answers_is_hanging_and_blocks_nothing_later() -> Result<()> {
    let nothing = Some("nothing.conf");
    inside(
        "a_keyring_that_never_answers_is_hanging_and_blocks_nothing_later",
        nothing,
        || {
            let hanging = Hanging::on_the_bus()?;
            let runtime = runtime()?;
            let (_folder, vault) = vault()?;
            runtime.block_on(async {
                let began = Instant::now();
                let all = futures::future::join_all((0..20).map(|_| vault.ready())).await;
                for ready in all {
                    let error = ready.err().context("it hangs")?;
                    ensure!(error.code == ErrorCode::KeyringHanging, "{error}");
                    ensure!(
                        error
                            .args
                            .get("seconds")
                            .is_some_and(|seconds| seconds == "5")
                    );
                }
                let took = began.elapsed();
                ensure!(
                    took > Duration::from_secs(3) && took < Duration::from_secs(7),
                    "{took:?}"
                );
                ensure!(vault.state() == KeyringView::Hanging);
                Ok(())
            })?;
            ensure!(hanging.calls() >= 1, "it was asked");
            drop(hanging);
            // It left the bus: another answer, at once.
            runtime.block_on(async {
                let began = Instant::now();
                let error = vault.ready().await.err().context("nobody answers")?;
                ensure!(error.code == ErrorCode::KeyringAbsent, "{error}");
                ensure!(
                    began.elapsed() < Duration::from_secs(2),
                    "{:?}",
                    began.elapsed()
                );
                Ok(())
            })?;
            // And a real one comes.
            let _daemon = Daemon::unlocked()?;
            runtime.block_on(async {
                vault.ready().await?;
                add(&vault, 1, "sealed").await?;
                ensure!(told(&vault, 1).await == "sealed");
                Ok(())
            })
        },
    )
}

#[test]
fn no_keyring_at_all_is_absent() -> Result<()> {
    inside("no_keyring_at_all_is_absent", Some("nothing.conf"), || {
        all_fail_with(&KeyringError::Absent, Duration::from_secs(2))?;
        ensure!(SystemKeyring.unlock() == Err(KeyringError::Absent));
        runtime()?.block_on(async {
            let (_folder, vault) = vault()?;
            let error = vault.ready().await.err().context("there is none")?;
            ensure!(error.code == ErrorCode::KeyringAbsent, "{error}");
            ensure!(vault.unlock().await == KeyringView::Absent);
            vault.use_session_only();
            add(&vault, 1, "for this run").await?;
            ensure!(told(&vault, 1).await == "for this run");
            Ok(())
        })
    })
}

#[test]
fn without_a_session_bus_it_is_absent_too() -> Result<()> {
    inside::without_a_bus("without_a_session_bus_it_is_absent_too", || {
        all_fail_with(&KeyringError::Absent, Duration::from_secs(2))
    })
}
