//! The record as a whole: whether it is what was written, and what is done to keep it so.
//!
//! Owns: telling the anchor where the record ends, and the check. Must not know: how a row is chained
//! (`store/record.rs`), what seals the key (`vault/record.rs`).

pub(crate) mod export;
pub(crate) mod said;
pub(crate) mod settings;
mod tail;
#[cfg(test)]
mod tests;

use crate::{
    Engine,
    store::{
        self, Durability, Store,
        calls::Filter,
        record::{tables, text, tombstones, walk},
    },
    vault,
};
use std::time::{Duration, Instant};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use wire::{
    ActivityPage, Because, CallId, CannotCheck, Changed, Error, ErrorCode, Overdue, RecordProof,
    RecordState, RowDetail, Tampering, Time, Topic,
};

/// How often that is done, at most: rows of the last moment may be cut off unseen until the anchor is told.
const EVERY: Duration = Duration::from_secs(1);
/// How long the start of the app waits for the keyring.
const WAKING: Duration = Duration::from_millis(250);
/// The same where the anchor could not be written.
const TELL_AGAIN: Duration = Duration::from_secs(5);
/// Batches of rows that the index of words takes in a row, before calls have the writer for as long.
const IN_A_ROW: u32 = 10;
/// The same before a search, which does not wait for more.
const CATCH_UP: u32 = 500;
/// Days for which an agent that was removed is named where it still knocks; fewer where the record keeps its
/// rows for fewer.
const REMOVED_KNOWN_DAYS: u32 = 400;
const DAY_MS: i64 = 86_400_000;
/// Rows are removed once a day: what is older than that by as long was left.
const OVERDUE_MS: i64 = 2 * DAY_MS;

/// Before the first row of a run: the record gets its key, so that the row is signed. A keyring that takes its
/// time, or asks a person first, is not waited for.
pub(crate) async fn wake(engine: &Engine) {
    let vault = engine.vault().clone();
    let woken = tokio::spawn(async move { vault.wake_record().await });
    let _ = tokio::time::timeout(WAKING, woken).await;
}

/// Each second in which rows were added, until the engine stops: tells the anchor; reads their words into the
/// index; and writes the tail. Also removes what calls said and nobody wants kept. Each beside the others, since a collector's file may be on a disk that does not
/// answer.
pub(crate) fn run(engine: &Engine) {
    // Rows that come before a task has begun are news to it, too.
    let (teller, changes) = (engine.clone(), engine.store().changes());
    tokio::spawn(async move { each_second(&teller, changes, tell).await });
    let (reader, changes) = (engine.clone(), engine.store().changes());
    tokio::spawn(async move {
        // What an earlier run left, or a new format has read anew.
        read_in(&reader).await;
        each_second(&reader, changes, read_in).await;
    });
    let remover = engine.clone();
    tokio::spawn(async move { said::run(&remover).await });
    let seeker = engine.clone();
    tokio::spawn(async move { make_up(&seeker).await });
    let (writer, mut changes) = (engine.clone(), engine.store().changes());
    tokio::spawn(async move {
        let mut tail = tail::Tail::default();
        loop {
            tokio::select! {
                came = rows_came(&writer, &mut changes) => if !came { return },
                () = tail.answered() => {}
            }
            // What fails is tried again with the next rows.
            if let Err(error) = tail.push(&writer).await {
                tracing::error!(%error, "the file for a collector could not be written");
            }
        }
    });
}

async fn each_second(engine: &Engine, mut changes: Receiver<Changed>, work: impl AsyncFn(&Engine)) {
    while rows_came(engine, &mut changes).await {
        work(engine).await;
    }
}

/// Waits until rows were added, and for the rest of that second. False where the engine stops.
async fn rows_came(engine: &Engine, changes: &mut Receiver<Changed>) -> bool {
    let stopping = engine.stopping();
    loop {
        let next = tokio::select! {
            () = stopping.cancelled() => return false,
            next = changes.recv() => next,
        };
        match next {
            Ok(changed) if !changed.topics.contains(&Topic::Activity) => {}
            Ok(_) | Err(RecvError::Lagged(_)) => break,
            Err(RecvError::Closed) => return false,
        }
    }
    tokio::select! {
        // The last telling is `Engine::stop`'s.
        () = stopping.cancelled() => return false,
        () = tokio::time::sleep(EVERY) => {}
    }
    *changes = changes.resubscribe();
    true
}

/// Until it is told: no later row may come to try it again.
async fn tell(engine: &Engine) {
    engine.vault().chain_late().await;
    if let Err(error) = settings::tell_keeping(engine).await {
        tracing::error!(%error, "the anchor could not be told for how long rows are kept");
    }
    let stopping = engine.stopping();
    while let Err(error) = engine.vault().tell_record().await {
        tracing::error!(%error, "the anchor could not be told of the record");
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(TELL_AGAIN) => {}
        }
    }
}

/// Reads the words of rows into the index until none is left. What fails is tried again with the next.
async fn read_in(engine: &Engine) {
    let stopping = engine.stopping();
    loop {
        let began = Instant::now();
        match index(engine.store(), IN_A_ROW).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "new rows could not be read into the index of words");
                return;
            }
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(began.elapsed()) => {}
        }
    }
}

/// Whoever was told that rows are not read in yet looks again once they are.
async fn make_up(engine: &Engine) {
    let stopping = engine.stopping();
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = engine.manner().behind().notified() => {}
        }
        read_in(engine).await;
        engine.store().announce([Topic::Activity]);
    }
}

/// A page of activity. Where words are looked for, the newest rows are read into the index first; where those
/// are too many, the page says so.
///
/// # Errors
/// `StoreFailed`; `StoreUnwritable` where the index cannot be written.
pub(crate) async fn page(engine: &Engine, filter: Filter) -> Result<ActivityPage, Error> {
    page_after(engine, filter, CATCH_UP).await
}

async fn page_after(engine: &Engine, filter: Filter, batches: u32) -> Result<ActivityPage, Error> {
    let behind = filter.only.text.is_some() && !index(engine.store(), batches).await?;
    let page = engine
        .store()
        .read(move |conn| store::calls::page(conn, &filter))
        .await?;
    if behind {
        engine.manner().behind().notify_one();
    }
    Ok(ActivityPage { behind, ..page })
}

/// Everything that is known of one row.
///
/// # Errors
/// `RowUnknown`; `StoreFailed`.
pub(crate) async fn row(engine: &Engine, id: CallId) -> Result<RowDetail, Error> {
    let now = engine.now();
    engine
        .store()
        .read(move |conn| {
            let found = store::calls::detail(conn, id)?;
            let bodies = store::bodies::of(conn, id, now)?;
            Ok(found.map(|row| RowDetail { bodies, ..row }))
        })
        .await?
        .ok_or_else(|| Error::new(ErrorCode::RowUnknown))
}

/// Reads the rows until now into the index of words: at most `batches`, each a commit of its own, so that no call
/// waits for long. True where none is left.
async fn index(store: &Store, batches: u32) -> Result<bool, Error> {
    store.caught_up().await;
    for _ in 0..batches {
        if store
            .append(Durability::Normal, |tx| text::index(tx))
            .await?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes what is older than the admin wants it kept: rows segment by segment, what calls said by itself.
pub(crate) async fn retire(engine: &Engine, now: Time) -> Result<(), Error> {
    // What is not counted yet stays, as what is under way does.
    engine.store().settle().await;
    let days = settings::get(engine).await?.keep_days;
    let before = days.map(|days| now.plus(-i64::from(days) * DAY_MS));
    said::purge(engine.store(), now, before).await?;
    let known = days.unwrap_or(REMOVED_KNOWN_DAYS).min(REMOVED_KNOWN_DAYS);
    let known = now.plus(-i64::from(known) * DAY_MS);
    let forgotten = engine
        .store()
        .write(Durability::Normal, move |tx| {
            store::agents::forget_removed(tx, known)
        })
        .await?;
    if forgotten > 0 {
        engine.door().forget();
    }
    let agreed = settings::agreed_days(engine, days).await?;
    let mut overdue = (agreed != days).then_some(Overdue::Disagreed);
    if let Some(days) = agreed {
        let before = now.plus(-i64::from(days) * DAY_MS);
        let (mut removed, mut lost) = (0, false);
        while let Some(gone) = retire_segment(engine, before, now).await? {
            removed += gone.calls;
            lost |= gone.lost;
        }
        if lost {
            let what = "rows of the record were removed before the file for a collector got them";
            engine.note(what, &Because::Health).await?;
        }
        if removed > 0 {
            let what = format!("{removed} rows of the record older than {days} days were removed");
            engine.note(&what, &Because::Health).await?;
        }
        overdue = overdue.or(left_over(engine, before).await?);
    }
    engine.manner().set_overdue(overdue);
    if let Some(why) = overdue
        && engine.manner().tells_longer(now)
    {
        engine.note(longer(why), &Because::Health).await?;
    }
    Ok(())
}

/// Why there are rows still that are older than this, by more than the days that lie between two removals.
async fn left_over(engine: &Engine, before: Time) -> Result<Option<Overdue>, Error> {
    let oldest = engine.store().read(store::calls::oldest).await?;
    if oldest.is_none_or(|at| before.since(at) < OVERDUE_MS) {
        return Ok(None);
    }
    Ok(Some(match engine.vault().told_record() {
        None => Overdue::NoKey,
        Some(_) => Overdue::Held,
    }))
}

fn longer(why: Overdue) -> &'static str {
    match why {
        Overdue::Disagreed => {
            "rows of the record are kept for longer than the settings say, which were changed outside \
             of the app or came from a backup, or the keyring lost its key: save them anew"
        }
        Overdue::NoKey => {
            "rows of the record are kept for longer than the settings say: the keyring gave no key to \
             sign their removal with"
        }
        Overdue::Held => {
            "rows of the record are kept for longer than the settings say: what stands before them is \
             younger, or was changed from outside"
        }
    }
}

/// What went.
struct Gone {
    calls: usize,
    /// Of some of them the file for a collector has no line.
    lost: bool,
}

/// Removes the oldest segment, where all of it is before `before` and as it was written: what was changed from
/// outside stays to be seen. `None` where none goes.
async fn retire_segment(engine: &Engine, before: Time, now: Time) -> Result<Option<Gone>, Error> {
    let vault = engine.vault();
    let still = vault.still().await;
    vault.tell_record().await?;
    let Some((keys, mark)) = vault.told_record() else {
        return Ok(None);
    };
    let looked = engine.store().read(move |conn| {
        let Some(last) = tombstones::segment_end(conn, before)? else {
            return Ok(None);
        };
        let walked = walk::walk(conn, &keys, Some(&mark), last.seq)?;
        Ok(Some(((store::record::base(conn)?, last), walked.fault)))
    });
    let (base, last) = match looked.await? {
        None => return Ok(None),
        Some((_, Some((how, seq)))) => {
            if vault.doubt_record(how, seq).await? {
                let what = format!(
                    "old rows of the record are kept: it was changed from outside at row {seq}"
                );
                engine.note(&what, &Because::Health).await?;
            }
            return Ok(None);
        }
        Some((ends, None)) => ends,
    };
    vault.tell_removal(base, last).await?;
    let gone = engine
        .store()
        .write(Durability::Full, move |tx| {
            let lost = tail::loses(tx, last.seq)?;
            let calls = tombstones::retire(tx, last, now)?;
            Ok(calls.map(|calls| Gone { calls, lost }))
        })
        .await?;
    if gone.is_some() {
        vault.begins_after(last);
    }
    drop(still);
    Ok(gone)
}

/// Walks along the whole record: is every row there, in its place, as it was written? Tampering that it finds
/// is kept, also where it is put back later.
///
/// # Errors
/// `StoreFailed`. That it cannot be checked is an answer, not an error.
pub async fn verify(engine: &Engine) -> Result<RecordProof, Error> {
    let proof = match check(engine).await {
        Ok(proof) => proof,
        Err(error) => {
            // Does what cannot be read stand where it should?
            if !matches!(engine.store().read(tables::are_ours).await, Ok(false)) {
                return Err(error);
            }
            return Ok(unchecked(vault::record::TABLES, engine.now()));
        }
    };
    // Tables can be made anew, and then lie about nothing: the chain is what stays.
    if let RecordState::Tampered { how, seq } = proof.state
        && how != Tampering::Tables
        && let Ok(seq) = i64::try_from(seq)
        && let Err(error) = engine.vault().doubt_record(how, seq).await
    {
        tracing::error!(%error, "the anchor could not be told what was found");
    }
    Ok(proof)
}

fn unchecked(state: RecordState, checked_at: Time) -> RecordProof {
    RecordProof {
        state,
        rows: 0,
        keyless: 0,
        removed_at: None,
        at: None,
        checked_at,
    }
}

async fn check(engine: &Engine) -> Result<RecordProof, Error> {
    let checked_at = engine.now();
    let proofs = match engine.vault().record_proofs().await? {
        Ok(proofs) => proofs,
        Err(why) => return Ok(unchecked(RecordState::CannotCheck { why }, checked_at)),
    };
    let proof = engine.store().read_all(move |conn| {
        let compared = proofs.state(conn)?;
        // Data of before begins where it did before.
        let known = match compared {
            RecordState::Restored { .. } => None,
            _ => proofs.mark.as_ref(),
        };
        let walked = walk::walk(conn, &proofs.keys, known, i64::MAX)?;
        let state = match (walked.fault, compared) {
            // What the walk found says where; but data of another installation fits itself.
            // The start of a run may know better what was done there.
            (Some((_, at)), state @ RecordState::Tampered { seq, .. })
                if seq == at.unsigned_abs() =>
            {
                state
            }
            (Some((how, seq)), _) => vault::record::tampered(how, seq),
            (None, state @ RecordState::Tampered { .. }) => state,
            (None, _) if !tables::are_ours(conn)? => vault::record::TABLES,
            (None, RecordState::Intact) if walked.unopened > 0 => RecordState::CannotCheck {
                why: CannotCheck::KeyLost,
            },
            (None, state) => state,
        };
        // The walk's own number: what somebody wrote may stand where no row can.
        let fault = walked.fault.map(|(_, seq)| seq).or(place_of(&state));
        Ok(RecordProof {
            state,
            rows: walked.rows.unsigned_abs(),
            keyless: walked.keyless.unsigned_abs(),
            removed_at: tombstones::newest(conn)?,
            at: match fault {
                Some(seq) => store::calls::call_at(conn, seq)?,
                None => None,
            },
            checked_at,
        })
    });
    proof.await
}

/// The place in the record that a state names, where it is one.
fn place_of(state: &RecordState) -> Option<i64> {
    match state {
        RecordState::Tampered {
            how:
                Tampering::AllMissing
                | Tampering::OtherData
                | Tampering::AnchorMissing
                | Tampering::AnchorOld
                | Tampering::Tables,
            ..
        }
        | RecordState::Intact
        | RecordState::CannotCheck { .. } => None,
        RecordState::Tampered { seq, .. } | RecordState::Restored { seq } => {
            i64::try_from(*seq).ok()
        }
    }
}
