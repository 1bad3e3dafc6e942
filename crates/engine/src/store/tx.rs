//! One write, from within: what it finds, and what it leaves behind it.

use super::{failed, job::Finds, record, run};
use rusqlite::Connection;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    ops::Deref,
};
use wire::{Error, Topic};

/// One write: a connection, and the topics that it touches.
pub struct Tx<'a> {
    connection: &'a Connection,
    /// Of the data as this write finds it: a number that is not given yet where a write before it, of the
    /// same commit, may have changed what is [`Kept`].
    edition: u64,
    topics: RefCell<BTreeSet<Topic>>,
    /// Read on first need: most writes add nothing to the record.
    chain: RefCell<Option<record::Chain>>,
    left: Cell<Left>,
    undo: Cell<Undo>,
    finds: Finds,
    /// Why what lies in the intake cannot be filed.
    stuck: Option<&'a Error>,
}

/// How what a job did is undone where it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undo {
    /// By the transaction, which the job has to itself.
    Transaction,
    /// By nobody, until the job asks for a savepoint.
    Never,
    /// By its savepoint.
    Savepoint,
}

/// What a write leaves behind it.
#[derive(Clone, Copy)]
pub(super) struct Left {
    /// What is [`Kept`] may be another now.
    pub changed: bool,
    /// Whether calls are over that are not counted, where this write knows.
    pub uncounted: Option<bool>,
    /// Rows that it put into the intake.
    pub in_intake: usize,
}

/// A write that was done.
pub(super) struct Made {
    pub topics: BTreeSet<Topic>,
    pub chain: Option<record::Chain>,
    pub left: Left,
    pub undo: Undo,
}

impl<'a> Tx<'a> {
    /// A write that has connection and transaction to itself.
    pub(super) fn new(connection: &'a Connection) -> Self {
        let undo = Undo::Transaction;
        Self::after(connection, (None, 0), (undo, Finds::Tables, None))
    }

    /// A write that finds the record's chain and the data's edition like this.
    pub(super) fn after(
        connection: &'a Connection,
        (chain, edition): (Option<record::Chain>, u64),
        (undo, finds, stuck): (Undo, Finds, Option<&'a Error>),
    ) -> Self {
        Self {
            connection,
            edition,
            topics: RefCell::default(),
            chain: RefCell::new(chain),
            left: Cell::new(Left {
                changed: true,
                uncounted: None,
                in_intake: 0,
            }),
            undo: Cell::new(undo),
            finds,
            stuck,
        }
    }

    /// From here on whatever this write does is undone, and nothing else, where it fails. Nothing may have
    /// been written before.
    ///
    /// # Errors
    /// `StoreUnwritable`, `StoreFailed`.
    pub(crate) fn undoable(&self) -> Result<(), Error> {
        if self.undo.get() == Undo::Never {
            run(self.connection, "savepoint job").map_err(failed)?;
            self.undo.set(Undo::Savepoint);
        }
        Ok(())
    }

    /// Runs `work` on the chain of the record.
    pub(super) fn chained<T>(
        &self,
        work: impl FnOnce(&mut record::Chain) -> T,
    ) -> Result<T, Error> {
        let mut chain = self.chain.borrow_mut();
        let chain = match &mut *chain {
            Some(chain) => chain,
            none => none.insert(record::Chain::read(self.connection)?),
        };
        Ok(work(chain))
    }

    /// This commit changes what `topic` shows. The functions of the tables do it by themselves.
    pub fn touch(&self, topic: Topic) {
        self.topics.borrow_mut().insert(topic);
    }

    /// Whether what is [`Kept`] may be another than in that edition.
    pub(crate) fn is_past(&self, edition: u64) -> bool {
        self.edition != edition
    }

    /// All that this write does is to add to the record, or to count what is in it: whatever is looked up
    /// before a call stands as it was. (What says nothing is taken to have changed it.)
    pub fn only_records(&self) {
        let left = self.left.get();
        self.left.set(Left {
            changed: false,
            ..left
        });
    }

    /// Whether calls are over, as of this write, that are not counted.
    pub(super) fn leaves_uncounted(&self, uncounted: bool) {
        let left = self.left.get();
        self.left.set(Left {
            uncounted: Some(uncounted),
            ..left
        });
    }

    /// Whether what it adds to the record goes into the intake (`store/intake.rs`).
    pub(super) fn is_for_intake(&self) -> bool {
        self.finds == Finds::Intake
    }

    /// Nothing more may begin in the intake while what lies there cannot be filed: nobody could see it, and what
    /// follows it could not be written.
    ///
    /// # Errors
    /// That of the filing.
    pub(super) fn may_begin(&self) -> Result<(), Error> {
        let stuck = self.stuck.filter(|_| self.is_for_intake());
        stuck.cloned().map_or(Ok(()), Err)
    }

    /// A row of it is in the intake now.
    pub(super) fn leaves_in_intake(&self) {
        let left = self.left.get();
        self.left.set(Left {
            in_intake: left.in_intake + 1,
            ..left
        });
    }

    pub(super) fn into_parts(self) -> Made {
        Made {
            topics: self.topics.into_inner(),
            chain: self.chain.into_inner(),
            left: self.left.get(),
            undo: self.undo.get(),
        }
    }
}

impl Deref for Tx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}
