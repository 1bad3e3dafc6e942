//! When a credential ends, and when that is worth a warning.

use serde::{Deserialize, Serialize};
use wire::Time;

/// Seven days: how long before its end a credential that cannot renew itself is *expiring*, or a
/// fifth of its life where that is shorter.
const WARNING_MS: i64 = 7 * 24 * 3_600_000;
/// Two tellings of the same end differ by less than a minute.
const SAME_MS: i64 = 60_000;

/// The end of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When it was given, or first heard of.
    pub issued: Time,
    pub at: Time,
    #[serde(default)]
    pub renewal: Renewal,
    /// When a refresh was last asked for, to see whether it moves the end.
    #[serde(default)]
    pub asked: Option<Time>,
}

/// Whether the app itself can move the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    /// No: a key, a token without a refresh token, a grant that refreshes do not prolong.
    #[default]
    Never,
    /// A refresh token with an end of its own, which the next refresh may move.
    ByRefresh,
}

impl End {
    /// An end that only the admin can move.
    #[must_use]
    pub fn fixed(issued: Time, at: Time) -> Self {
        Self {
            issued,
            at,
            renewal: Renewal::Never,
            asked: None,
        }
    }

    /// True where the admin is to be told. What a refresh may still move is given half of the time
    /// before, to be moved.
    #[must_use]
    pub fn warns(self, now: Time) -> bool {
        let window = match self.renewal {
            Renewal::Never => self.window(),
            Renewal::ByRefresh => self.window() / 2,
        };
        now >= self.at.plus(-window)
    }

    /// True where a refresh is worth a try, to see whether it moves the end.
    pub(super) fn may_move(self, now: Time) -> bool {
        self.renewal == Renewal::ByRefresh && now < self.at && now >= self.at.plus(-self.window())
    }

    fn window(self) -> i64 {
        WARNING_MS.min(self.at.since(self.issued).max(0) / 5)
    }
}

/// True where a day that a vendor has set is near, or past.
pub(super) fn is_near(at: Time, now: Time) -> bool {
    now >= at.plus(-WARNING_MS)
}

/// The end after a refresh that told `new`. One that moves by less than half of the time since it was
/// last heard of does not slide: from then on it is fixed, and its window is that of the whole life.
pub(super) fn refreshed(old: Option<End>, new: Option<End>) -> Option<End> {
    let (Some(old), Some(new)) = (old, new) else {
        return new;
    };
    let (moved, passed) = (new.at.since(old.at), new.issued.since(old.issued));
    if new.renewal == Renewal::ByRefresh && passed > 0 && moved < passed / 2 {
        return Some(End {
            issued: old.issued,
            at: new.at,
            renewal: Renewal::Never,
            asked: None,
        });
    }
    Some(new)
}

/// The end as it was told just now; the same one as before keeps its beginning.
pub(super) fn told(old: Option<End>, new: Option<End>) -> Option<End> {
    match (old, new) {
        (Some(old), Some(new)) if new.at.since(old.at).abs() < SAME_MS => Some(old),
        _ => new,
    }
}
