use super::*;
use anyhow::{Context, Result};

fn key() -> Result<Key> {
    Key::random().map_err(|error| anyhow::anyhow!("{error}"))
}

fn id(n: u128) -> IntegrationId {
    IntegrationId(Uuid::from_u128(n))
}

#[test]
fn it_comes_back_under_its_own_key_and_database_only() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, key, vault) = (file(folder.path()), key()?, Uuid::from_u128(5));
    assert!(find(&file).is_none());
    let mut anchor = Anchor::new(vault, "key-1-x");
    anchor.raise(id(1), 7);
    anchor.write(&file, &key)?;
    let found = || find(&file).context("it is there");
    assert_eq!(found()?.key_item(), "key-1-x");
    assert_eq!(found()?.check(&key, vault), Some(anchor));
    assert_eq!(found()?.check(&self::key()?, vault), None, "another key");
    assert_eq!(
        found()?.check(&key, Uuid::from_u128(6)),
        None,
        "another database"
    );
    Ok(())
}

#[test]
fn a_lowered_generation_is_not_authentic() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, key, vault) = (file(folder.path()), key()?, Uuid::from_u128(5));
    let mut anchor = Anchor::new(vault, "key-1-x");
    anchor.raise(id(1), 7);
    anchor.write(&file, &key)?;
    let text = fs::read_to_string(&file)?;
    let lowered = text.replace(":7}", ":6}");
    assert_ne!(text, lowered, "the generation was found");
    fs::write(&file, lowered)?;
    assert_eq!(
        find(&file).context("it still parses")?.check(&key, vault),
        None
    );
    for torn in ["", "{", "null", "{\"anchor\":\"{}\",\"hmac\":\"\"}"] {
        fs::write(&file, torn)?;
        assert!(find(&file).is_none(), "{torn}");
    }
    Ok(())
}

#[test]
fn it_only_ever_rises() {
    let mut anchor = Anchor::new(Uuid::nil(), "k");
    assert_eq!(anchor.age(id(1), 1), Age::Newest, "nothing is known of it");
    assert!(anchor.raise(id(1), 3));
    assert!(!anchor.raise(id(1), 2) && !anchor.raise(id(1), 3));
    assert_eq!(anchor.newest(id(1)), 3);
    assert_eq!(
        [2, 3, 4].map(|g| anchor.age(id(1), g)),
        [Age::Restored, Age::Newest, Age::Newest]
    );
    anchor.forget(id(1));
    assert_eq!(anchor.newest(id(1)), 0);
}
