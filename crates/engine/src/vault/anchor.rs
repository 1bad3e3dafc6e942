//! The anchor: a small file beside the database that keeps the newest generation of each
//! credential, so that a database restored from a backup is seen and its old credentials are not
//! sent (a superseded refresh token that is sent kills the whole grant).
//!
//! The file is JSON, authenticated by HMAC-SHA256 under a key derived from the keyring's. It is
//! written after the commit it tells of, in one rename: a crash between leaves an anchor that knows
//! less, which the next load raises. A missing or foreign anchor knows nothing, so that every
//! credential then found counts as restored.

use super::seal::Key;
use crate::store::{
    backup::{replace, sync_file},
    record::{Head, mark::Mark},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use uuid::Uuid;
use wire::{Error, ErrorCode, IntegrationId, RecordState};

const PURPOSE: &str = "app.chief.integrations/anchor/1";
const FORM: u32 = 1;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Anchor {
    form: u32,
    /// Of which database.
    pub vault: Uuid,
    /// The keyring's item whose key authenticates it.
    pub key_item: String,
    pub credentials: BTreeMap<IntegrationId, u64>,
    /// Where the record ended when it was told last; none in anchors of before it was chained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Marked>,
    /// In the file only: all keys that the record had, so that nobody puts others in their place. None in
    /// anchors of before they were kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeptKey>,
    /// Days that the admin wants rows of the record kept, 0: for ever. None in anchors that were not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_days: Option<u32>,
}

/// A key of the record, as the anchor keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptKey {
    pub n: i64,
    /// Sealed by the anchor's own key, base64; none where the key was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
}

/// What is kept of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marked {
    /// 0 where only the trouble is known.
    pub epoch: i64,
    pub seq: i64,
    /// Base64.
    pub hash: String,
    pub base_seq: i64,
    pub base_hash: String,
    /// Where the record is about to begin, while retention removes a segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_seq: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hash: Option<String>,
    /// What a start found: it stays, since the record is never again what it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<RecordState>,
    /// Where the record ended when the trouble was found.
    #[serde(default)]
    pub trouble_seq: i64,
}

/// What a start found, and where the record ended then.
pub(super) type Trouble = (RecordState, i64);

impl Marked {
    pub(super) fn new(mark: &Mark, trouble: Option<Trouble>) -> Self {
        Self {
            epoch: mark.epoch,
            seq: mark.head.seq,
            hash: STANDARD.encode(mark.head.hash),
            base_seq: mark.base.seq,
            base_hash: STANDARD.encode(mark.base.hash),
            next_seq: mark.next.map(|next| next.seq),
            next_hash: mark.next.map(|next| STANDARD.encode(next.hash)),
            trouble: trouble.map(|(state, _)| state),
            trouble_seq: trouble.map_or(0, |(_, seq)| seq),
        }
    }

    /// Nothing but trouble: what was told before is not known.
    pub(super) fn troubled(trouble: Trouble) -> Self {
        let nothing = Mark {
            epoch: 0,
            head: Head::NONE,
            base: Head::NONE,
            next: None,
        };
        Self::new(&nothing, Some(trouble))
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.trouble.map(|state| (state, self.trouble_seq))
    }

    /// What was told, where anything was. A hash that is none fits no row.
    pub(super) fn mark(&self) -> Option<Mark> {
        let head = |seq, hash: &str| Head {
            seq,
            hash: STANDARD
                .decode(hash)
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .unwrap_or_default(),
        };
        (self.epoch > 0).then(|| Mark {
            epoch: self.epoch,
            head: head(self.seq, &self.hash),
            base: head(self.base_seq, &self.base_hash),
            next: self
                .next_seq
                .zip(self.next_hash.as_deref())
                .map(|(seq, hash)| head(seq, hash)),
        })
    }
}

/// The file: the anchor's own bytes, and their authentication.
#[derive(Serialize, Deserialize)]
struct Envelope {
    anchor: String,
    hmac: String,
}

/// How a credential's generation looks against the anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Newest,
    /// A newer one was used: this one comes from a backup.
    Restored,
}

impl Anchor {
    pub(super) fn new(vault: Uuid, key_item: &str) -> Self {
        Self {
            form: FORM,
            vault,
            key_item: key_item.to_owned(),
            credentials: BTreeMap::new(),
            record: None,
            keys: Vec::new(),
            keep_days: None,
        }
    }

    /// The newest generation known of a credential, 0 where none is.
    pub(super) fn newest(&self, id: IntegrationId) -> u64 {
        self.credentials.get(&id).copied().unwrap_or(0)
    }

    pub(super) fn age(&self, id: IntegrationId, generation: u64) -> Age {
        if generation < self.newest(id) {
            Age::Restored
        } else {
            Age::Newest
        }
    }

    /// True where that was news.
    pub(super) fn raise(&mut self, id: IntegrationId, generation: u64) -> bool {
        let known = self.credentials.entry(id).or_insert(0);
        let news = generation > *known;
        *known = generation.max(*known);
        news
    }

    /// Knows nothing of a credential any more.
    pub(super) fn forget(&mut self, id: IntegrationId) {
        self.credentials.remove(&id);
    }

    /// Writes it in the place of the file, on disk when this returns.
    pub(super) fn write(&self, file: &Path, key: &Key) -> Result<(), Error> {
        let broken =
            |_| Error::new(ErrorCode::Internal).with("why", "the anchor cannot be written");
        let anchor = serde_json::to_string(self).map_err(broken)?;
        let hmac = STANDARD.encode(mac(key, &anchor).finalize().into_bytes());
        let text = serde_json::to_vec(&Envelope { anchor, hmac }).map_err(broken)?;
        let partial = file.with_extension("partial");
        fs::write(&partial, text).map_err(|error| crate::store::unwritable(&error))?;
        sync_file(&partial)?;
        replace(&partial, file)
    }
}

/// An anchor file as it was found, not yet believed.
pub(super) struct Found {
    envelope: Envelope,
    anchor: Anchor,
}

impl Found {
    /// The keyring's item that it says it is authenticated by.
    pub(super) fn key_item(&self) -> &str {
        &self.anchor.key_item
    }

    /// The database that it says it is of.
    pub(super) fn vault(&self) -> Uuid {
        self.anchor.vault
    }

    /// The anchor, where `key` authenticates it and it is of this database.
    pub(super) fn check(self, key: &Key, vault: Uuid) -> Option<Anchor> {
        let hmac = STANDARD.decode(&self.envelope.hmac).ok()?;
        mac(key, &self.envelope.anchor).verify_slice(&hmac).ok()?;
        (self.anchor.vault == vault).then_some(self.anchor)
    }
}

/// Reads the file; `None` where there is none or it is no anchor.
pub(super) fn find(file: &Path) -> Option<Found> {
    let envelope: Envelope = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    let anchor: Anchor = serde_json::from_str(&envelope.anchor).ok()?;
    (anchor.form == FORM).then_some(Found { envelope, anchor })
}

/// Where it lies.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join("chief.anchor")
}

fn mac(key: &Key, anchor: &str) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key.derive(PURPOSE).bytes())
        .expect("HMAC takes a key of any length");
    mac.update(anchor.as_bytes());
    mac
}

#[cfg(test)]
mod tests;
