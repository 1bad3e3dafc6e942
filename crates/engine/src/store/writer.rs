//! The one thread that writes.

mod behind;

use super::{
    Durability, Tx,
    along::{Along, Waiting},
    closed, failed,
    intake::Unfiled,
    job::{Done, Finds, Job, Write},
    log::Log,
    record::Chain,
    tx::{Left, Undo},
};
use rusqlite::Connection;
use std::{
    collections::{BTreeSet, VecDeque},
    fs::File,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::broadcast;
use wire::{Changed, Error, ErrorCode, Topic};

/// Jobs in one transaction at most: bounds both the wait of the first and the size of the log.
const GROUP: usize = 512;
/// Rows of `Durability::Normal` are on disk, and finished calls are counted, after this long at most.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// What waits for another's commit gets one of its own after this long.
const ALONG: Duration = Duration::from_millis(10);
/// News of calls is told this often at most: each telling wakes every listener.
const TELL_EVERY: Duration = Duration::from_millis(20);

/// What everybody may ask of the commits so far.
#[derive(Default)]
pub(super) struct Told {
    /// Moves on with each commit that may have changed what is [`super::Kept`].
    pub edition: AtomicU64,
    /// Calls are over that are not counted yet.
    pub uncounted: AtomicBool,
    /// Rows lie in the intake.
    pub unfiled: AtomicBool,
}

/// The thread's queue and handle.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    along: Arc<Along>,
    told: Arc<Told>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts it. The lock is let go after the connection is closed.
    pub(super) fn start(
        (connection, unfiled): (Connection, Option<Unfiled>),
        (lock, file): (File, &Path),
        (changes, told): (broadcast::Sender<Changed>, Arc<Told>),
    ) -> Result<Self, Error> {
        let (queue, jobs) = mpsc::channel();
        let along = Arc::<Along>::default();
        let left = along.clone();
        let all_told = told.clone();
        let (is_late, in_intake) = (
            unfiled.is_some(),
            unfiled.as_ref().map_or(0, |all| all.rows),
        );
        told.unfiled.store(in_intake > 0, Ordering::Release);
        // The thread beside this one does it.
        connection
            .pragma_update(None, "wal_autocheckpoint", 0)
            .map_err(failed)?;
        let log = Log::start(file)?;
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || {
                Loop {
                    connection,
                    log,
                    along: left,
                    looked: None,
                    changes,
                    untold: BTreeSet::new(),
                    spoke: None,
                    told,
                    unmoved: None,
                    uncounted: None,
                    in_intake,
                    unfiled: is_late.then(Instant::now),
                    stuck: unfiled.map(|all| all.why),
                    is_late,
                    synchronous: None,
                    chain: None,
                }
                .run(&jobs);
                drop(lock);
            })
            .map_err(|error| super::unwritable(&error))?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            along,
            told: all_told,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// A write that goes along with the next commit, or has one of its own some moments after; `then` is
    /// told how it went, by the thread.
    pub(super) fn go_along<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        then: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) {
        let write = Write::new((Durability::Normal, Finds::Intake), job, then);
        self.leave(|waiting| waiting.writes.push(write));
    }

    /// Tells the listeners some moments later.
    pub(super) fn tell_soon(&self, topic: Topic) {
        self.leave(|waiting| {
            waiting.topics.insert(topic);
        });
    }

    fn leave(&self, leave: impl FnOnce(&mut Waiting)) {
        if self.along.leave(leave)
            && let Err(closed) = self.send(Job::LookAlong)
        {
            for Write { run, .. } in self.along.take(false).writes {
                run(Err(closed.clone())).1(Err(closed.clone()));
            }
        }
    }

    /// Whether a write waits for the next commit, or a row lies in the intake.
    pub(super) fn is_behind(&self) -> bool {
        self.along.has_writes() || self.told.unfiled.load(Ordering::Acquire)
    }

    pub(super) fn send(&self, job: Job) -> Result<(), Error> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue
            .as_ref()
            .ok_or_else(closed)?
            .send(job)
            .map_err(|_| closed())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let queue = self.queue.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(queue.take());
        super::reader::join(
            self.thread
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

fn is_due(since: Option<Instant>, after: Duration) -> bool {
    since.is_some_and(|since| since.elapsed() >= after)
}

struct Loop {
    along: Arc<Along>,
    /// When it last looked there, or was told to.
    looked: Option<Instant>,
    // Before the connection, which is the last to be closed.
    log: Log,
    connection: Connection,
    changes: broadcast::Sender<Changed>,
    /// What the listeners were not told yet, and when they were told something.
    untold: BTreeSet<Topic>,
    spoke: Option<Instant>,
    told: Arc<Told>,
    /// When the oldest commit was made that the log's thread has not been told of.
    unmoved: Option<Instant>,
    /// Since when calls are over that are not counted yet.
    uncounted: Option<Instant>,
    /// Rows in the intake, and since when.
    in_intake: usize,
    unfiled: Option<Instant>,
    /// Why they could not be filed when it was last tried.
    stuck: Option<Error>,
    /// Calls of earlier runs are not ended yet.
    is_late: bool,
    /// The connection's `synchronous`, once it was set.
    synchronous: Option<Durability>,
    /// Where the record ends, once a write asked: as of the last commit.
    chain: Option<Chain>,
}

impl Loop {
    fn run(mut self, jobs: &mpsc::Receiver<Job>) {
        loop {
            let job = match self.sleeps() {
                None => jobs
                    .recv()
                    .map_err(|_| mpsc::RecvTimeoutError::Disconnected),
                Some(most) => jobs.recv_timeout(most),
            };
            match job {
                Ok(job) => self.take(job, jobs),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    self.commit_all(Vec::new());
                    self.file();
                    return;
                }
            }
            if is_due(self.looked, ALONG) {
                self.commit_all(Vec::new());
            }
            if is_due(self.spoke, TELL_EVERY) {
                self.tell(BTreeSet::new());
            }
            if is_due(self.uncounted, SYNC_EVERY) {
                self.count();
            }
            if is_due(self.unfiled, SYNC_EVERY) {
                self.file();
            }
            if is_due(self.unmoved, SYNC_EVERY) {
                self.sync();
            }
        }
    }

    /// How long it may sleep at most.
    fn sleeps(&self) -> Option<Duration> {
        let dues = [
            (self.looked, ALONG),
            (self.spoke.filter(|_| !self.untold.is_empty()), TELL_EVERY),
            (self.uncounted, SYNC_EVERY),
            (self.unfiled, SYNC_EVERY),
            (self.unmoved, SYNC_EVERY),
        ];
        let left = |(since, after): (Option<Instant>, Duration)| {
            since.map(|since| after.saturating_sub(since.elapsed()))
        };
        dues.into_iter().filter_map(left).min()
    }

    /// Does `first` and whatever waits behind it.
    fn take(&mut self, first: Job, jobs: &mpsc::Receiver<Job>) {
        let mut next = Some(first);
        let mut group = Vec::new();
        let mut checkpoint = None;
        while let Some(job) = next {
            match job {
                Job::Write(write) => group.push(write),
                Job::Checkpoint(answer) => {
                    checkpoint = Some(answer);
                    break;
                }
                Job::LookAlong => self.looked = self.looked.or_else(|| Some(Instant::now())),
            }
            next = if group.len() < GROUP {
                jobs.try_recv().ok()
            } else {
                None
            };
        }
        if !group.is_empty() || checkpoint.is_some() {
            self.commit_all(group);
        }
        if let Some(answer) = checkpoint {
            let _ = answer.send(self.checkpoint());
        }
    }

    /// Commits the group, and before it in the same commit what waited for one.
    fn commit_all(&mut self, group: Vec<Write>) {
        let Waiting { writes, topics, .. } = self.along.take(!group.is_empty());
        self.looked =
            (!group.is_empty() || !writes.is_empty() || !topics.is_empty()).then(Instant::now);
        let went_along = !writes.is_empty();
        let (added, others): (Vec<_>, Vec<_>) = group
            .into_iter()
            .partition(|write| write.finds == Finds::Intake);
        // What is asked for together with a call holds for it.
        self.commit(writes.into_iter().chain(others).chain(added).collect());
        if went_along {
            self.along.done();
        }
        self.tell(topics);
    }

    /// Tells the listeners; of calls alone only so often.
    fn tell(&mut self, topics: BTreeSet<Topic>) {
        let waits = topics
            .iter()
            .all(|topic| matches!(topic, Topic::Activity | Topic::Tasks))
            && self.spoke.is_some_and(|spoke| spoke.elapsed() < TELL_EVERY);
        self.untold.extend(topics);
        if !waits && !self.untold.is_empty() {
            let topics = std::mem::take(&mut self.untold);
            // No listener is no error.
            let _ = self.changes.send(Changed {
                topics: topics.into_iter().collect(),
            });
            self.spoke = Some(Instant::now());
        }
    }

    /// One transaction for the whole group. Where some of it has to file what lies in the intake, what else adds to
    /// that has its own: it can still be added where nothing can be filed.
    fn commit(&mut self, mut group: VecDeque<Write>) {
        while !group.is_empty() {
            self.commit_next(&mut group);
        }
    }

    fn commit_next(&mut self, group: &mut VecDeque<Write>) {
        let mut topics = BTreeSet::new();
        let mut waiting: Vec<Done> = Vec::with_capacity(group.len());
        let before = self.chain.clone();
        let mut left = Left {
            changed: false,
            uncounted: None,
            in_intake: self.in_intake,
        };
        let outcome = self.transact(group, &mut topics, &mut waiting, &mut left);
        if let Err(error) = &outcome {
            self.chain = before;
            tracing::error!(%error, jobs = waiting.len(), "a commit failed");
            if !self.connection.is_autocommit() {
                // Nothing more can be done about a rollback that fails: SQLite does it on reopening.
                let _ = self.connection.execute_batch("rollback");
            }
            topics.clear();
            if left.in_intake == 0 && self.in_intake > 0 {
                self.stuck = Some(error.clone());
            }
        } else {
            // Before anybody is answered: whoever was, sees what was changed.
            if left.changed {
                self.told.edition.fetch_add(1, Ordering::Release);
            }
            self.holds_in_intake(left.in_intake);
            if let Some(uncounted) = left.uncounted {
                self.told.uncounted.store(uncounted, Ordering::Release);
                self.uncounted = uncounted.then(|| self.uncounted.unwrap_or_else(Instant::now));
            }
        }
        for done in waiting {
            done(outcome.clone());
        }
        self.tell(topics);
    }

    fn transact(
        &mut self,
        group: &mut VecDeque<Write>,
        topics: &mut BTreeSet<Topic>,
        waiting: &mut Vec<Done>,
        left: &mut Left,
    ) -> Result<(), Error> {
        let surest = group.iter().map(|write| write.durability).max();
        let mut broken = self.begin(surest.unwrap_or(Durability::Normal)).err();
        // The transaction itself undoes a job that has it to itself.
        let alone = group.len() == 1;
        let mut filed = false;
        while let Some(Write { finds, run, .. }) = group.pop_front_if(|write| match write.finds {
            Finds::Intake => !filed,
            Finds::Tables => left.in_intake <= self.in_intake,
        }) {
            if broken.is_none() && finds == Finds::Tables && left.in_intake > 0 {
                broken = super::intake::file(&self.connection).err();
                left.in_intake = 0;
                filed = true;
            }
            // The transaction is gone, or never was.
            if let Some(error) = &broken {
                waiting.push(run(Err(error.clone())).1);
                continue;
            }
            let edition = self.told.edition.load(Ordering::Acquire) + u64::from(left.changed);
            let undo = if alone {
                Undo::Transaction
            } else {
                Undo::Never
            };
            let before = self.connection.total_changes();
            let mut tx = Tx::after(
                &self.connection,
                (self.chain.clone(), edition),
                (undo, finds, self.stuck.as_ref()),
            );
            let (well, done) = run(Ok(&mut tx));
            waiting.push(done);
            let made = tx.into_parts();
            let ended = || match (made.undo, well) {
                (Undo::Transaction | Undo::Never, true) => Ok(()),
                (Undo::Transaction, false) => super::run(&self.connection, "rollback"),
                (Undo::Savepoint, true) => super::run(&self.connection, "release job"),
                (Undo::Savepoint, false) => {
                    super::run(&self.connection, "rollback to job")?;
                    super::run(&self.connection, "release job")
                }
                // (A statement that failed has undone itself.)
                (Undo::Never, false) => Ok(()),
            };
            // SQLite itself undoes the whole transaction on some faults (a full disk, I/O).
            if self.connection.is_autocommit() {
                broken = Some(
                    Error::new(ErrorCode::StoreUnwritable).with("why", "the disk refused a write"),
                );
            } else if let Err(error) = ended() {
                broken = Some(failed(error));
            } else if well {
                topics.extend(made.topics);
                self.chain = made.chain;
                left.changed |= made.left.changed;
                left.in_intake += made.left.in_intake;
                left.uncounted = made.left.uncounted.or(left.uncounted);
            } else if made.undo == Undo::Never && self.connection.total_changes() != before {
                broken = Some(Error::new(ErrorCode::StoreFailed).with(
                    "why",
                    "a row that was to be written with this one could not be written whole",
                ));
            }
        }
        match broken {
            Some(error) => Err(error),
            // Undone already, and nothing was written.
            None if self.connection.is_autocommit() => {
                left.in_intake = self.in_intake;
                return Ok(());
            }
            None => super::run(&self.connection, "commit").map_err(failed),
        }?;
        // Also after a full commit, which is on disk: the log would grow without end.
        self.unmoved = self.unmoved.or_else(|| Some(Instant::now()));
        Ok(())
    }

    fn begin(&mut self, durability: Durability) -> Result<(), Error> {
        if self.synchronous != Some(durability) {
            let level = match durability {
                Durability::Full => "full",
                Durability::Normal => "normal",
            };
            self.connection
                .pragma_update(None, "synchronous", level)
                .map_err(failed)?;
            self.synchronous = Some(durability);
        }
        super::run(&self.connection, "begin immediate").map_err(failed)
    }
}
