//! The engine's threads, timers and queues: the only file that has any.
//!
//! * **Group commit.** Callers queue what they bring. One of them leads: it takes all that waits, up to
//!   [`GROUP_BYTES_MAX`], commits it and tells the others. Whoever comes meanwhile goes with the next
//!   group; there is no timer. The queue is bounded by its callers, each of which waits for its own entry.
//! * **The syncer** syncs the log while the leader interns.
//! * **The keeper** seals by age, freezes, and forgets. It is rung when there is something to freeze.
//!   While heads take too much memory writers wait for it; when it fails, they are told why.
//! * **The helpers** look at groups and put traces together for readers ([`crate::crew`]).
//! * **The compactor** joins segments, one run after the other, and nobody waits for it.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use span::{DurationNanos, UnixNanos};
use store::StoreError;

use crate::crew::Crew;
use crate::disk::DiskFile;
use crate::hold::Hold;
use crate::stats::add;
use crate::steps::commit::commit;
use crate::steps::compact::{Compacted, compact};
use crate::steps::freeze::{Frozen, freeze, seal_due};
use crate::steps::retain::retain;
use crate::wal::body::Prepared;

/// The most bytes of bodies in one group, unless one batch has more. More would make a group's first
/// caller wait long for the others.
const GROUP_BYTES_MAX: usize = 4 << 20;
/// How often the keeper looks at the time.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the compactor looks for something to join, and how long it leaves a disk alone that failed it.
const COMPACT_EVERY: Duration = Duration::from_secs(5);
const COMPACT_PAUSE: Duration = Duration::from_secs(60);
/// How often the keeper looks for what is to be forgotten, by the store's own time.
const RETAIN_EVERY: DurationNanos = DurationNanos(10_000_000_000);

/// The running engine.
pub(crate) struct Threads {
    hold: Arc<Hold>,
    /// What waits to be committed. Held for moments.
    queue: Mutex<Queue>,
    /// Signalled when a group is settled and when nobody leads.
    settled: Condvar,
    syncer: Syncer,
    bell: Arc<Bell>,
    crew: Arc<Crew>,
    /// The keeper, the compactor and the helpers.
    workers: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Arc<Ticket>>,
    /// Whether one of the callers is committing.
    led: bool,
}

/// One caller's entries.
struct Ticket {
    /// Taken by who leads.
    entries: Mutex<Vec<Prepared>>,
    bytes: usize,
    /// Set once, by who led.
    outcome: Mutex<Option<Result<(), StoreError>>>,
}

impl Threads {
    pub(crate) fn start(hold: Arc<Hold>) -> Result<Self, StoreError> {
        let bell = Arc::new(Bell::default());
        let keeper = {
            let (hold, bell) = (hold.clone(), bell.clone());
            spawn("tracewell-keeper", &hold.clone(), move || keep(&hold, &bell))?
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let count = hold.config.limits.helpers.unwrap_or(cores - 1);
        let crew = Arc::new(Crew::new(count));
        let mut threads = Self {
            syncer: Syncer::start(&hold)?,
            hold,
            queue: Mutex::default(),
            settled: Condvar::new(),
            bell,
            crew,
            workers: Mutex::new(vec![keeper]),
        };
        match threads.start_others(count) {
            Ok(()) => Ok(threads),
            Err(error) => {
                threads.stop();
                Err(error)
            }
        }
    }

    /// Starts the compactor and the helpers.
    fn start_others(&mut self, helpers: usize) -> Result<(), StoreError> {
        let workers = self.workers.get_mut().expect("nobody else has the workers yet");
        let (hold, bell) = (self.hold.clone(), self.bell.clone());
        workers.push(spawn("tracewell-compactor", &self.hold, move || compact_on(&hold, &bell))?);
        for _ in 0..helpers {
            let crew = self.crew.clone();
            workers.push(spawn("tracewell-reader", &self.hold, move || crew.work())?);
        }
        self.hold.help(self.crew.clone());
        Ok(())
    }

    /// Commits what one caller brings, with what others bring meanwhile.
    pub(crate) fn write(&self, entries: Vec<Prepared>) -> Result<(), StoreError> {
        self.hold.check_writable()?;
        if self.hold.is_crowded() {
            add(&self.hold.counters.writes_held_back, 1);
            self.bell.wait_while_crowded(&self.hold)?;
        }
        let bytes = entries.iter().map(|prepared| prepared.entry.body.len()).sum();
        let ticket = Arc::new(Ticket { entries: Mutex::new(entries), bytes, outcome: Mutex::default() });
        let mut queue = self.queue();
        queue.waiting.push_back(ticket.clone());
        loop {
            if let Some(outcome) = ticket.outcome() {
                return outcome;
            }
            if !queue.led {
                queue.led = true;
                drop(queue);
                self.lead();
                queue = self.queue();
                continue;
            }
            queue = self.settled.wait(queue).expect("no code panics while it holds the queue");
        }
    }

    /// Ends the keeper after the step it is at, and the compactor at once. What is in heads stays in the
    /// log.
    pub(crate) fn stop(&self) {
        self.bell.stop();
        self.crew.stop();
        let workers =
            std::mem::take(&mut *self.workers.lock().expect("no code panics while it holds the workers"));
        for worker in workers {
            // One that panicked has poisoned the store already.
            let _ = worker.join();
        }
    }

    /// Commits one group: the oldest tickets, and always at least one.
    fn lead(&self) {
        let mut group = Group { threads: self, tickets: Vec::new() };
        let mut bytes = 0;
        let mut queue = self.queue();
        while let Some(ticket) = queue.waiting.front() {
            bytes += ticket.bytes;
            if !group.tickets.is_empty() && GROUP_BYTES_MAX < bytes {
                break;
            }
            group.tickets.extend(queue.waiting.pop_front());
        }
        drop(queue);
        let entries: Vec<Prepared> = group.tickets.iter().flat_map(|ticket| ticket.take()).collect();
        let outcome = commit(&self.hold, &entries, &|file, work| self.syncer.sync_beside(file, work));
        group.settle(&outcome);
        drop(group);
        if self.hold.is_crowded() || self.hold.has_sealed() {
            self.bell.ring();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no code panics while it holds the queue")
    }
}

/// The tickets of one commit. Dropped unsettled, because the commit panicked, it tells everybody.
struct Group<'a> {
    threads: &'a Threads,
    tickets: Vec<Arc<Ticket>>,
}

impl Group<'_> {
    fn settle(&mut self, outcome: &Result<(), StoreError>) {
        for ticket in self.tickets.drain(..) {
            let outcome = match outcome {
                Ok(()) => Ok(()),
                Err(error) => Err(retell(error)),
            };
            *ticket.outcome.lock().expect("no code panics while it holds an outcome") = Some(outcome);
        }
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        if !self.tickets.is_empty() {
            let error = self.threads.hold.poison("a thread panicked while it stored spans");
            self.settle(&Err(error));
        }
        self.threads.queue().led = false;
        self.threads.settled.notify_all();
    }
}

impl Ticket {
    fn take(&self) -> Vec<Prepared> {
        std::mem::take(&mut *self.entries.lock().expect("no code panics while it holds entries"))
    }

    fn outcome(&self) -> Option<Result<(), StoreError>> {
        self.outcome.lock().expect("no code panics while it holds an outcome").take()
    }
}

/// Says the same failure once more, for each caller of a group.
fn retell(error: &StoreError) -> StoreError {
    match error {
        StoreError::Disk { path, action, source } => StoreError::Disk {
            path: path.clone(),
            action,
            source: std::io::Error::new(source.kind(), source.to_string()),
        },
        StoreError::DiskFull { path } => StoreError::DiskFull { path: path.clone() },
        StoreError::BatchFull(full) => StoreError::BatchFull(*full),
        StoreError::Poisoned { why } => StoreError::Poisoned { why: why.clone() },
        other => StoreError::Poisoned { why: other.to_string() },
    }
}

/// A thread that syncs a file while its caller works. One file at a time, because a commit holds the
/// ingest lock.
struct Syncer {
    ends: Mutex<SyncerEnds>,
}

struct SyncerEnds {
    /// Holds at most the one file that is being synced.
    files: SyncSender<Arc<dyn DiskFile>>,
    outcomes: Receiver<Result<(), StoreError>>,
}

impl Syncer {
    fn start(hold: &Hold) -> Result<Self, StoreError> {
        let (files, wanted) = sync_channel::<Arc<dyn DiskFile>>(1);
        let (done, outcomes) = sync_channel(1);
        spawn("tracewell-syncer", hold, move || {
            for file in wanted {
                if done.send(file.sync_data()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { ends: Mutex::new(SyncerEnds { files, outcomes }) })
    }

    fn sync_beside(&self, file: Arc<dyn DiskFile>, work: &mut dyn FnMut()) -> Result<(), StoreError> {
        let gone = || StoreError::Poisoned { why: "the syncing thread ended".to_owned() };
        let ends = self.ends.lock().map_err(|_| gone())?;
        ends.files.send(file).map_err(|_| gone())?;
        work();
        ends.outcomes.recv().map_err(|_| gone())?
    }
}

/// What the keeper and the writers tell each other.
#[derive(Default)]
struct Bell {
    state: Mutex<BellState>,
    /// Signalled by whoever changes the state; waited on by the keeper and by held back writers.
    changed: Condvar,
}

#[derive(Default)]
struct BellState {
    rung: bool,
    stopped: bool,
    /// Counts the keeper's rounds.
    rounds: u64,
    /// Why the last round failed.
    failure: Option<StoreError>,
}

impl Bell {
    fn ring(&self) {
        self.lock().rung = true;
        self.changed.notify_all();
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Waits until it is rung or it is time to look. Returns whether to go on.
    fn wait(&self) -> bool {
        let state = self.lock();
        let idle = |state: &mut BellState| !state.rung && !state.stopped;
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, LOOK_EVERY, idle)
            .expect("no code panics while it holds the bell");
        state.rung = false;
        !state.stopped
    }

    /// Waits for a while. Returns whether to go on.
    fn pause(&self, time: Duration) -> bool {
        let state = self.lock();
        let (state, _) = self
            .changed
            .wait_timeout_while(state, time, |state| !state.stopped)
            .expect("no code panics while it holds the bell");
        !state.stopped
    }

    fn end_round(&self, outcome: Result<(), StoreError>) {
        let mut state = self.lock();
        state.rounds += 1;
        state.failure = outcome.err();
        drop(state);
        self.changed.notify_all();
    }

    /// Holds a writer back until there is room in memory, or freezing fails.
    fn wait_while_crowded(&self, hold: &Hold) -> Result<(), StoreError> {
        let mut state = self.lock();
        let first = state.rounds;
        while hold.is_crowded() && !state.stopped {
            hold.check_sound()?;
            if let Some(failure) = state.failure.as_ref().filter(|_| first < state.rounds) {
                return Err(retell(failure));
            }
            state.rung = true;
            self.changed.notify_all();
            state = self.changed.wait(state).expect("no code panics while it holds the bell");
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BellState> {
        self.state.lock().expect("no code panics while it holds the bell")
    }
}

/// The keeper's life.
fn keep(hold: &Hold, bell: &Bell) {
    let _watch = KeeperWatch { hold, bell };
    let mut retained: Option<UnixNanos> = None;
    let mut failed = false;
    while bell.wait() {
        let now = (hold.config.now)();
        if failed {
            // A disk that was full a moment ago is not asked at every ring.
            thread::sleep(LOOK_EVERY / 10);
        }
        let froze = seal_due(hold, now).and_then(|()| freeze_sealed(hold, bell));
        if let Err(error) = &froze
            && hold.check_sound().is_ok()
        {
            add(&hold.counters.freezes_failed, 1);
            tracing::warn!(%error, "freezing failed, it is tried again");
        }
        let is_time = retained.is_none_or(|last| RETAIN_EVERY <= now.since(last) || now < last);
        if is_time || froze.as_ref().is_ok_and(|froze| *froze) {
            retained = Some(now);
            if let Err(error) = retain(hold, now) {
                tracing::warn!(%error, "forgetting failed, it is tried again");
            }
        }
        failed = froze.is_err();
        bell.end_round(froze.map(|_| ()));
    }
}

/// The compactor's life.
fn compact_on(hold: &Hold, bell: &Bell) {
    let _watch = KeeperWatch { hold, bell };
    let mut pause = COMPACT_EVERY;
    while bell.pause(pause) {
        let now = (hold.config.now)();
        pause = match compact(hold, now, &|| bell.lock().stopped) {
            Ok(Compacted::Run) => Duration::ZERO,
            Ok(Compacted::Nothing) => COMPACT_EVERY,
            Err(error) => {
                if hold.check_sound().is_ok() {
                    add(&hold.counters.compactions_failed, 1);
                    tracing::warn!(%error, "compaction failed, it is tried again");
                }
                COMPACT_PAUSE
            }
        };
    }
}

/// Tells everybody when the keeper or the compactor panics, so that nobody waits for it.
struct KeeperWatch<'a> {
    hold: &'a Hold,
    bell: &'a Bell,
}

impl Drop for KeeperWatch<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.hold.poison("a thread panicked while it froze or joined spans");
            self.bell.changed.notify_all();
        }
    }
}

/// Freezes all sealed heads; returns whether there were any.
fn freeze_sealed(hold: &Hold, bell: &Bell) -> Result<bool, StoreError> {
    let mut froze = false;
    while freeze(hold)? == Frozen::Head {
        froze = true;
        // Writers that were held back need not wait for the whole round.
        bell.changed.notify_all();
        if bell.lock().stopped {
            break;
        }
    }
    Ok(froze)
}

fn spawn(name: &str, hold: &Hold, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned.map_err(|source| StoreError::Disk {
        path: hold.directory.root().to_owned(),
        action: "starting a thread",
        source,
    })
}
