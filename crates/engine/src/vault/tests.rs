//! The vault over a real store and a keyring in memory.

use super::{destroy::Step, *};
use crate::{
    secret::Secret,
    store::{integrations::IntegrationRow, keys, tests::contains},
};
use anyhow::{Context, Result};
use std::{
    fs,
    sync::atomic::{AtomicU32, Ordering},
};
use tempfile::TempDir;
use uuid::Uuid;
use wire::{Kind, Time};

mod crash;
mod destroying;
mod faults;
mod racing;
mod record;
mod restored;

/// A keyring in memory that counts, can fail, and can be copied as a crash would find it.
#[derive(Default)]
struct Shelf {
    items: Mutex<BTreeMap<String, Vec<u8>>>,
    fault: Mutex<Option<KeyringError>>,
    reads: AtomicU32,
    changes: AtomicU32,
}

impl Shelf {
    fn holding(items: BTreeMap<String, Vec<u8>>) -> Arc<Self> {
        Arc::new(Self {
            items: Mutex::new(items),
            ..Self::default()
        })
    }

    fn items(&self) -> BTreeMap<String, Vec<u8>> {
        self.items.lock().expect("no test panics inside").clone()
    }

    fn fail_with(&self, fault: Option<KeyringError>) {
        *self.fault.lock().expect("no test panics inside") = fault;
    }

    /// The keyring is reset.
    fn forget(&self) {
        self.items.lock().expect("no test panics inside").clear();
    }

    fn reads(&self) -> u32 {
        self.reads.load(Ordering::SeqCst)
    }

    fn changes(&self) -> u32 {
        self.changes.load(Ordering::SeqCst)
    }

    fn check(&self) -> Result<(), KeyringError> {
        self.fault
            .lock()
            .expect("no test panics inside")
            .clone()
            .map_or(Ok(()), Err)
    }
}

impl Keyring for Shelf {
    fn read(&self, item: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.check()?;
        Ok(self.items().get(item).cloned().map(Zeroizing::new))
    }

    fn write(&self, item: &str, bytes: &[u8]) -> Result<(), KeyringError> {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.check()?;
        self.items
            .lock()
            .expect("no test panics inside")
            .insert(item.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn delete(&self, item: &str) -> Result<(), KeyringError> {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.check()?;
        self.items
            .lock()
            .expect("no test panics inside")
            .remove(item);
        Ok(())
    }

    fn unlock(&self) -> Result<(), KeyringError> {
        let mut fault = self.fault.lock().expect("no test panics inside");
        if *fault == Some(KeyringError::Locked) {
            *fault = None;
        }
        fault.clone().map_or(Ok(()), Err)
    }
}

fn id(n: u128) -> IntegrationId {
    IntegrationId(Uuid::from_u128(n))
}

fn bearer(token: &str) -> Credential {
    Credential::Bearer {
        token: Secret::new(token),
    }
}

fn token(credential: &Credential) -> String {
    match credential {
        Credential::Bearer { token } => token.reveal().to_owned(),
        _ => "another kind".into(),
    }
}

fn row(n: u128) -> IntegrationRow {
    IntegrationRow {
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
    }
}

/// A folder, its store, and the vault over it.
struct World {
    folder: TempDir,
    shelf: Arc<Shelf>,
    vault: Vault,
}

impl World {
    fn new() -> Result<Self> {
        Self::over(tempfile::tempdir()?, Arc::default())
    }

    fn over(folder: TempDir, shelf: Arc<Shelf>) -> Result<Self> {
        let store = Store::open(folder.path())?;
        let keyring: Arc<dyn Keyring> = shelf.clone();
        let vault = Vault::new(store, keyring, folder.path());
        Ok(Self {
            folder,
            shelf,
            vault,
        })
    }

    /// Closed and opened again, as the next run of the app.
    fn reopened(self) -> Result<Self> {
        let Self {
            folder,
            shelf,
            vault,
        } = self;
        drop(vault);
        Self::over(folder, shelf)
    }

    /// Connects number `n`.
    async fn add(&self, n: u128, secret: &str) -> Result<u64, Error> {
        let also = move |tx: &mut Tx<'_>| integrations::add(tx, &row(n));
        Ok(self.vault.save(id(n), bearer(secret), None, also).await?.0)
    }

    /// A fresh credential for number `n`.
    async fn renew(&self, n: u128, secret: &str) -> Result<u64, Error> {
        Ok(self
            .vault
            .save(id(n), bearer(secret), None, |_| Ok(()))
            .await?
            .0)
    }

    async fn read(&self, n: u128) -> Result<String, Error> {
        self.vault
            .open(id(n))
            .await
            .map(|(credential, _)| token(&credential))
    }

    /// What `read` says, or the code of its error.
    async fn told(&self, n: u128) -> String {
        self.read(n)
            .await
            .unwrap_or_else(|error| error.code.as_str().to_owned())
    }

    async fn destroy(&self, n: u128) -> Result<(), Error> {
        self.vault
            .destroy(id(n), move |tx| integrations::remove(tx, id(n), Time(0)))
            .await
    }

    /// The files as they are now, as a crash or a backup program would find them.
    fn copy(&self) -> Result<TempDir> {
        let copy = tempfile::tempdir()?;
        copy_folder(self.folder.path(), copy.path())?;
        Ok(copy)
    }

    /// Every file of the folder.
    fn bytes(&self) -> Result<Vec<Vec<u8>>> {
        let copy = self.copy()?;
        let mut found = Vec::new();
        let mut folders = vec![copy.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path)
                } else {
                    found.push(fs::read(path)?)
                }
            }
        }
        Ok(found)
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().context("it has a name")?);
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

fn code<T>(result: Result<T, Error>) -> Option<ErrorCode> {
    result.err().map(|error| error.code)
}

#[tokio::test]
async fn a_credential_of_any_size_is_there_in_the_next_run_and_the_keyring_is_read_once()
-> Result<()> {
    let world = World::new()?;
    assert_eq!(world.vault.state(), KeyringView::Unasked);
    let sizes = [0, 1, 2_560, 65_536];
    for (n, size) in (1..).zip(sizes) {
        assert_eq!(world.add(n, &"t".repeat(size)).await?, 1);
    }
    assert_eq!(world.vault.state(), KeyringView::Ready);
    let mut world = world.reopened()?;
    for _ in 0..2 {
        let before = world.shelf.reads();
        let reads = (1..).zip(sizes).map(|(n, size)| {
            let world = &world;
            async move { assert_eq!(world.read(n).await.map(|t| t.len()), Ok(size)) }
        });
        futures::future::join_all(reads).await;
        world.vault.ready().await?;
        world.renew(1, "").await?;
        assert_eq!(
            world.shelf.reads() - before,
            1,
            "one prompt on macOS, not one per card"
        );
        world = world.reopened()?;
    }
    assert_eq!(world.shelf.items().len(), 1);
    Ok(())
}

#[tokio::test]
async fn metadata_and_credential_change_together_or_not_at_all() -> Result<()> {
    let world = World::new()?;
    world.add(1, "first").await?;
    let fails = world
        .vault
        .save(id(1), bearer("second"), None, |tx| {
            integrations::set_name(tx, id(1), "Renamed")?;
            Err::<(), _>(Error::new(ErrorCode::NotAKey))
        })
        .await;
    assert_eq!(code(fails), Some(ErrorCode::NotAKey));
    assert_eq!(world.read(1).await?, "first");
    let name = world
        .vault
        .0
        .store
        .read(|c| Ok(integrations::get(c, id(1))?.name))
        .await?;
    assert_eq!(name, "Orders 1");
    let nowhere = world
        .vault
        .save(id(2), bearer("lost"), None, |_| Ok(()))
        .await;
    assert_eq!(code(nowhere), Some(ErrorCode::IntegrationUnknown));
    Ok(())
}

#[tokio::test]
async fn who_saves_on_an_old_generation_loses_and_the_winner_stands() -> Result<()> {
    let world = World::new()?;
    let first = world.add(1, "first").await?;
    let save = |token: &'static str| {
        world
            .vault
            .save(id(1), bearer(token), Some(first), |_| Ok(()))
    };
    let (winner, loser) = tokio::join!(save("winner"), save("loser"));
    assert_eq!(winner?.0, first + 1);
    let lost = loser.err().context("the second comes too late")?;
    assert!(is_superseded(&lost), "{lost}");
    assert_eq!(
        world.vault.open(id(1)).await.map(|(c, g)| (token(&c), g)),
        Ok(("winner".into(), first + 1))
    );
    world.destroy(1).await?;
    let gone = save("after").await;
    assert_eq!(
        code(gone),
        Some(ErrorCode::IntegrationUnknown),
        "not a race: it was disconnected"
    );
    Ok(())
}

#[tokio::test]
async fn a_save_goes_through_where_nobody_waits_for_it() -> Result<()> {
    let world = World::new()?;
    world.add(1, "first").await?;
    let mut save = Box::pin(world.vault.save(id(1), bearer("second"), None, |_| Ok(())));
    assert!(futures::poll!(&mut save).is_pending());
    drop(save);
    for _ in 0..200 {
        if world.read(1).await? == "second" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.read(1).await?, "second");
    Ok(())
}

#[tokio::test]
async fn what_needs_no_secret_needs_no_keyring() -> Result<()> {
    let world = World::new()?;
    world.shelf.fail_with(Some(KeyringError::Absent));
    let also = |tx: &mut Tx<'_>| integrations::add(tx, &row(1));
    world
        .vault
        .save(id(1), Credential::None, None, also)
        .await?;
    assert!(matches!(
        world.vault.open(id(1)).await,
        Ok((Credential::None, 1))
    ));
    world.destroy(1).await?;
    assert_eq!((world.shelf.reads(), world.shelf.changes()), (0, 0));
    assert_eq!(world.vault.state(), KeyringView::Unasked);
    Ok(())
}

#[tokio::test]
async fn no_secret_is_in_any_file_in_any_common_form() -> Result<()> {
    use base64::{
        Engine as _,
        engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
    };
    let world = World::new()?;
    let canary = "CANARY+token/with\"odd?characters~0123456789";
    world.add(1, canary).await?;
    world.add(2, "another").await?;
    world.renew(1, &format!("{canary}2")).await?;
    world.vault.0.store.backup(Time(1), 3).await?;
    world.destroy(2).await?;
    let key = world
        .shelf
        .items()
        .into_values()
        .next()
        .context("one key")?;
    let utf16: Vec<u8> = canary.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let escaped = serde_json::to_string(canary)?;
    let url = url::form_urlencoded::byte_serialize(canary.as_bytes()).collect::<String>();
    let forms = [
        canary.as_bytes().to_vec(),
        STANDARD_NO_PAD.encode(canary).into_bytes(),
        URL_SAFE_NO_PAD.encode(canary).into_bytes(),
        hex(canary.as_bytes()).into_bytes(),
        escaped.trim_matches('"').as_bytes().to_vec(),
        url.into_bytes(),
        utf16,
        key.clone(),
        hex(&key).into_bytes(),
        STANDARD_NO_PAD.encode(&key).into_bytes(),
    ];
    for file in world.bytes()? {
        for form in &forms {
            assert!(!contains(&file, form), "{}", String::from_utf8_lossy(form));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn saves_openings_and_a_destroy_at_once_leave_every_other_credential_open() -> Result<()> {
    let world = Arc::new(World::new()?);
    for n in 1..=8 {
        world.add(n, "start").await?;
    }
    let mut tasks = tokio::task::JoinSet::new();
    for n in 1..=8_u128 {
        let own = world.clone();
        tasks.spawn(async move {
            for round in 0..12 {
                own.renew(n, &format!("{n} in round {round}")).await?;
                assert_eq!(own.read(n).await?, format!("{n} in round {round}"));
            }
            Ok::<_, Error>(())
        });
    }
    for n in 101..=104_u128 {
        let own = world.clone();
        tasks.spawn(async move {
            own.add(n, "short-lived").await?;
            own.destroy(n).await?;
            assert_eq!(code(own.read(n).await), Some(ErrorCode::IntegrationUnknown));
            Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let world = Arc::into_inner(world)
        .context("every task is over")?
        .reopened()?;
    for n in 1..=8 {
        assert_eq!(world.read(n).await?, format!("{n} in round 11"));
    }
    assert_eq!(
        world.shelf.items().len(),
        1,
        "one key is left of all of them"
    );
    Ok(())
}

#[tokio::test]
async fn the_window_is_told_when_the_keyring_changes() -> Result<()> {
    let world = World::new()?;
    let mut changes = world.vault.0.store.changes();
    world.shelf.fail_with(Some(KeyringError::Locked));
    assert_eq!(
        code(world.vault.ready().await),
        Some(ErrorCode::KeyringLocked)
    );
    assert_eq!(changes.try_recv()?.topics, [Topic::App]);
    assert_eq!(
        code(world.vault.ready().await),
        Some(ErrorCode::KeyringLocked)
    );
    assert!(changes.try_recv().is_err(), "no news");
    assert_eq!(
        world.vault.unlock().await,
        KeyringView::Unasked,
        "no credential needed it yet"
    );
    assert_eq!(changes.try_recv()?.topics, [Topic::App]);
    Ok(())
}
