//! The intake of the record: where a call's rows lie until many of them are filed at once in `calls` and
//! `outcomes`.
//!
//! Those have ten indexes, and a commit writes each page anew that it touches: for the few calls of one commit
//! that was more than half of what went to the disk. Here a row is added to the end of a table that has none. It is
//! as much on disk, and as firmly in the chain, as in its own table.
//!
//! Owns: that nobody finds a row here but who adds to the record. Each other write, and whoever reads, has them
//! filed first (`Store::append` says which does not); an opening files what its forerunner left. Where they cannot be
//! filed nothing more begins ([`Tx::may_begin`]), and what has begun can still end.

use super::{
    Store, Tx, calls, failed,
    job::{Job, Write},
};
use rusqlite::Connection;
use tokio::sync::oneshot;
use wire::Error;

/// Rows that are filed in one commit, about: some milliseconds of the writer's.
pub(super) const MANY: usize = 512;

/// Files all of it. A row whose place is taken, or whose call has its outcome, is none of ours: it goes, and the log
/// says so.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`.
pub(super) fn file(connection: &Connection) -> Result<(), Error> {
    let (call, outcome) = (calls::CALL_COLUMNS, calls::OUTCOME_COLUMNS);
    let run = |sql: &str| {
        let done = connection.prepare_cached(sql);
        done.and_then(|mut done| done.execute([])).map_err(failed)
    };
    let begun = run(&format!(
        "insert or ignore into calls ({call}, seq, key, mac) \
         select {call}, seq, key, mac from intake_calls order by seq"
    ))?;
    // Whatever stands there already is no call's: none had this place.
    run("insert or replace into open_calls (call_seq, task_id) \
         select n.seq, n.task_id from intake_calls n join calls c on c.seq = n.seq where n.open = 1")?;
    let ended = run(&format!(
        "insert or ignore into outcomes ({outcome}, seq, key, mac) \
         select {outcome}, seq, key, mac from intake_outcomes order by seq"
    ))?;
    let lay = run("delete from intake_calls")? + run("delete from intake_outcomes")?;
    if lay != begun + ended {
        let strange = lay - begun - ended;
        tracing::error!(
            strange,
            "rows that no app of ours wrote were not taken into the record"
        );
    }
    Ok(())
}

/// What an opening could not file.
pub(super) struct Unfiled {
    pub rows: usize,
    pub why: Error,
}

/// Files what earlier runs left, and ends their calls.
///
/// # Errors
/// `StoreUnwritable`, `StoreFailed`: nothing of it is done then.
pub(super) fn take_up(connection: &Connection) -> Result<(), Error> {
    let taken = connection.unchecked_transaction().map_err(failed)?;
    file(&taken)?;
    calls::give_up(&Tx::new(&taken))?;
    taken.commit().map_err(failed)
}

/// How many rows lie here.
///
/// # Errors
/// `StoreFailed`.
pub(super) fn count(connection: &Connection) -> Result<usize, Error> {
    let both =
        "select (select count(*) from intake_calls) + (select count(*) from intake_outcomes)";
    connection
        .query_row(both, [], |row| row.get(0))
        .map_err(failed)
}

impl Store {
    /// Waits until nothing waits for a commit any more ([`Store::append_along`]), nor in the intake.
    pub(crate) async fn caught_up(&self) {
        if self.0.writer.is_behind() {
            let (answer, answered) = oneshot::channel();
            let files = Write::files(|result| drop(answer.send(result)));
            // Where it fails, whoever is told of it writes it later.
            if self.0.writer.send(Job::Write(files)).is_ok() {
                let _ = answered.await.map(|filed| self.heard(filed));
            }
        }
    }
}
