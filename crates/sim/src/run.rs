//! One run: the steps of a plan, one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use span::{DurationNanos, UnixNanos};
use store::{Search, StoreError, TraceCursor, TraceReader as _, TraceWriter as _, Write};
use store_columnar::{Config, Dice, FaultyDisk, Freezing, Outage, SteppedStore};

use crate::check::{Known, Listing, check, keys, listing_of, search_of, told};
use crate::content::batch_of;
use crate::model::{Fate, Model, Moment, tenant_of};
use crate::plan::{Parcel, Plan, Step, TENANTS, Trouble};
use crate::rot::{Shown, flip, look};

/// When runs begin.
const BEGIN: u64 = 1_767_225_600_000_000_000;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// One line for each step: what it was, how it ended, how many calls the disk had seen.
    pub trace: Vec<String>,
    /// How often everything was compared.
    pub checks: u64,
    /// How often the engine started.
    pub starts: u64,
    /// How many spans were written.
    pub spans: u64,
    /// How many faults struck.
    pub strikes: u64,
}

/// What went wrong in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step, counted from 0.
    pub step: usize,
    /// What was found.
    pub what: String,
}

/// Runs a plan to its end, or to the first thing that is wrong.
pub fn run(plan: &Plan) -> Result<Report, Failure> {
    let mut run = Run::new(plan);
    for (number, step) in plan.steps.iter().enumerate() {
        let outcome = catch_unwind(AssertUnwindSafe(|| run.step(step)));
        let outcome = outcome.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word");
            Err(format!("the engine panicked: {text}"))
        });
        match outcome {
            Ok(how) => run.report.trace.push(format!("{number} {step:?}: {how}, call {}", run.disk.calls())),
            Err(what) => return Err(Failure { step: number, what }),
        }
    }
    run.report.strikes = run.disk.strikes();
    Ok(run.report)
}

struct Run<'a> {
    plan: &'a Plan,
    disk: FaultyDisk,
    clock: Arc<AtomicU64>,
    /// `None` while the disk is out.
    engine: Option<SteppedStore>,
    /// Faults that had struck when the engine started.
    strikes_before: u64,
    /// Whether the disk was made full in this life.
    filled: bool,
    model: Model,
    known: Known,
    held: Vec<Held>,
    dice: Dice,
    report: Report,
}

/// A listing that was begun, and what it must give.
struct Held {
    cursor: Box<dyn TraceCursor>,
    expected: Listing,
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan) -> Self {
        let (disk, clock) = (FaultyDisk::new(), Arc::new(AtomicU64::new(BEGIN)));
        disk.take_time_from(clock.clone());
        let mut run = Self {
            plan,
            disk,
            clock,
            engine: None,
            strikes_before: 0,
            filled: false,
            model: Model::default(),
            known: Known::default(),
            held: Vec::new(),
            dice: Dice::new(plan.seed ^ 0x51e9),
            report: Report::default(),
        };
        run.engine = run.open().ok();
        run
    }

    /// Does one step; says how it ended, or what is wrong.
    fn step(&mut self, step: &Step) -> Result<String, String> {
        match step {
            Step::Trouble { what, calls } => self.plan_trouble(*what, *calls),
            Step::Fill { spare } => {
                self.disk.limit(self.disk.bytes() + spare);
                self.filled = true;
            }
            Step::Empty => self.disk.unlimit(),
            Step::Wait { ns } => {
                self.clock.fetch_add(*ns, Ordering::Relaxed);
            }
            Step::WaitBack { ns } => {
                self.clock.fetch_sub(*ns, Ordering::Relaxed);
            }
            Step::Crash { outage, troubles } => {
                self.restart(*outage);
                return self.start(troubles);
            }
            _ if self.engine.is_none() => return Ok("nobody is there".to_owned()),
            Step::Check => {
                self.calm();
                self.check(Moment::Life)?;
            }
            Step::Hold { tenant } => self.hold(*tenant)?,
            Step::Drain => self.drain()?,
            Step::Rot { seed } => return self.rot(*seed),
            _ => return self.act(step),
        }
        Ok("done".to_owned())
    }

    /// Does a step that the disk may hinder.
    fn act(&mut self, step: &Step) -> Result<String, String> {
        let outcome = match step {
            Step::Write(parcels) => self.write(parcels),
            Step::Retry { back } => self.retry(*back),
            Step::Retain => self.retain(),
            Step::Read { seed } => self.read(*seed)?,
            Step::Stop => return self.stop(),
            _ => {
                let engine = self.engine.as_ref().expect("it is looked at before");
                match step {
                    Step::SealDue => engine.seal_due(self.now()),
                    Step::SealAll => engine.seal_all(),
                    Step::Freeze => engine.freeze_one().map(|_| ()),
                    Step::Compact => engine.compact_one(self.now()).map(|_| ()),
                    _ => engine.freeze_all(),
                }
            }
        };
        self.judge(outcome)
    }

    /// Tells how a step ended. An error without a cause is a finding.
    fn judge(&mut self, outcome: Result<(), StoreError>) -> Result<String, String> {
        let how = match outcome {
            Ok(()) => "done".to_owned(),
            Err(error) if self.is_excused() => format!("failed: {error}"),
            Err(error) => return Err(format!("it failed without a cause: {error}")),
        };
        if self.disk.is_out() {
            self.held.clear();
            self.engine = None;
            return Ok(format!("{how}, and the disk went away"));
        }
        Ok(how)
    }

    fn is_excused(&self) -> bool {
        self.filled || self.strikes_before < self.disk.strikes()
    }

    fn now(&self) -> UnixNanos {
        UnixNanos(self.clock.load(Ordering::Relaxed))
    }

    fn plan_trouble(&self, what: Trouble, calls: u64) {
        self.disk.plan(what.at(self.disk.calls() + calls));
    }

    /// Lets nothing happen to the disk until something is planned again.
    fn calm(&self) {
        self.disk.unplan();
    }

    fn write(&mut self, parcels: &[Parcel]) -> Result<(), StoreError> {
        let received = self.now();
        let parts: Vec<_> = parcels.iter().map(|parcel| (parcel.tenant, batch_of(parcel))).collect();
        let write = |(tenant, batch): &(u8, span::SpanBatch)| Write {
            tenant: tenant_of(*tenant),
            received,
            batch: batch.clone(),
        };
        let group: Vec<Write> = parts.iter().map(write).collect();
        let outcome = self.engine.as_ref().expect("it is looked at before").write(&group);
        let fate = if outcome.is_ok() { Fate::Kept } else { Fate::Open };
        for (tenant, batch) in parts {
            self.report.spans += batch.len() as u64;
            self.model.add(tenant, received, batch, fate);
        }
        outcome
    }

    fn retry(&mut self, back: u64) -> Result<(), StoreError> {
        let count = self.model.written.len();
        let Some(at) = count.checked_sub(1 + back as usize) else { return Ok(()) };
        let received = self.now();
        let (tenant, batch) = (self.model.written[at].tenant, self.model.written[at].batch.clone());
        let write = Write { tenant: tenant_of(tenant), received, batch: batch.clone() };
        let outcome = self.engine.as_ref().expect("it is looked at before").write(&[write]);
        let fate = if outcome.is_ok() { Fate::Kept } else { Fate::Open };
        self.model.add(tenant, received, batch, fate);
        outcome
    }

    fn retain(&mut self) -> Result<(), StoreError> {
        let retention = self.plan.shape.retention;
        if let Some(DurationNanos(age)) = retention.age {
            self.model.fade(UnixNanos(self.now().0.saturating_sub(age)));
        }
        if retention.bytes.is_some() {
            self.model.fade(UnixNanos::MAX);
        }
        let engine = self.engine.as_ref().expect("it is looked at before");
        engine.retain(self.now()).map(|_| ())
    }

    /// Reads while anything may happen. What is found must be of what was written.
    fn read(&self, seed: u64) -> Result<Result<(), StoreError>, String> {
        let engine = self.engine.as_ref().expect("it is looked at before");
        let mut dice = Dice::new(seed);
        let tenant = dice.below(u64::from(TENANTS)) as u8;
        let search = search_of(tenant, &Listing::new(), &mut dice);
        let before = engine.stats().reads_damaged;
        let first = keys(engine, &search);
        let again = keys(engine, &search);
        let damaged = engine.stats().reads_damaged;
        match (first, again) {
            (Ok(one), Ok(other)) if one != other && damaged == before => {
                Err("one search, two answers".to_owned())
            }
            (Err(error), _) | (_, Err(error)) => Ok(Err(error)),
            _ => Ok(Ok(())),
        }
    }

    fn hold(&mut self, tenant: u8) -> Result<(), String> {
        self.calm();
        let engine = self.engine.as_ref().expect("it is looked at before");
        let told = |error: StoreError| error.to_string();
        let expected = listing_of(engine, tenant).map_err(told)?;
        let cursor = engine.search(Search::all(tenant_of(tenant))).map_err(told)?;
        self.held.push(Held { cursor, expected });
        Ok(())
    }

    fn drain(&mut self) -> Result<(), String> {
        if self.held.is_empty() {
            return Ok(());
        }
        self.calm();
        let mut held = self.held.remove(0);
        let mut listing = Listing::new();
        while let Some(trace) = held.cursor.next().map_err(|error| error.to_string())? {
            listing.push(told(&trace));
        }
        match listing == held.expected {
            true => Ok(()),
            false => Err("a listing that was begun earlier gave another state".to_owned()),
        }
    }

    /// Stops cleanly. Where that worked, there is nothing to replay.
    fn stop(&mut self) -> Result<String, String> {
        let outcome = self.engine.as_ref().expect("it is looked at before").close();
        let is_clean = outcome.is_ok();
        let how = self.judge(outcome)?;
        if self.disk.is_out() {
            return Ok(how);
        }
        self.restart(Outage::Kill);
        let how = format!("{how}, {}", self.start(&[])?);
        let replayed = self.engine.as_ref().map_or(0, |engine| engine.recovery().entries_replayed);
        match is_clean && 0 < replayed {
            true => Err(format!("{replayed} entries were replayed after a clean stop")),
            false => Ok(how),
        }
    }

    /// Lets bits flip under an engine, and starts twice on what is left. The run ends with it.
    fn rot(&mut self, seed: u64) -> Result<String, String> {
        self.calm();
        self.disk.unlimit();
        let engine = self.engine.as_ref().expect("it is looked at before");
        if let Err(error) = engine.freeze_all() {
            return self.judge(Err(error));
        }
        let before = Shown::of(engine)?;
        self.restart(Outage::Kill);
        if let Some(damage) = look(&self.disk)?.damages.first() {
            return Err(format!("verify finds damage on a sound disk: {damage:?}"));
        }
        self.disk.restart(Outage::Kill);
        let engine = self.open().map_err(|error| format!("the start failed on a sound disk: {error}"))?;
        let flips = flip(&self.disk, seed);
        let under = Shown::of(&engine)?;
        drop(engine);
        self.disk.restart(Outage::Kill);
        let said = look(&self.disk)?;
        before.compare(under, &self.model, &said)?;
        for _ in 0..2 {
            self.disk.restart(Outage::Kill);
            let engine = self.open().map_err(|error| format!("flipped bits cost the start: {error}"))?;
            before.compare(Shown::of(&engine)?, &self.model, &said)?;
        }
        self.disk.restart(Outage::Kill);
        Ok(format!("{flips} bits flipped, {} flaws", said.damages.len()))
    }

    fn restart(&mut self, outage: Outage) {
        self.held.clear();
        self.engine = None;
        self.disk.restart(outage);
    }

    /// Starts the engine on a disk that may fail, and then on one that does not.
    fn start(&mut self, troubles: &[(Trouble, u64)]) -> Result<String, String> {
        self.strikes_before = self.disk.strikes();
        self.filled = false;
        for (what, calls) in troubles {
            self.plan_trouble(*what, *calls);
        }
        let mut how = String::new();
        let mut opened = self.open();
        if let Err(error) = &opened {
            how = format!("failed first: {error}; ");
            if !self.is_excused() && !matches!(error, StoreError::DiskFull { .. }) {
                return Err(format!("the start failed without a cause: {error}"));
            }
            if self.disk.is_out() {
                return Ok(how + "the disk went away");
            }
            self.calm();
            self.disk.unlimit();
            opened = self.open();
        }
        self.calm();
        if self.disk.is_out() {
            return Ok(how + "the disk went away");
        }
        let engine = opened.map_err(|error| format!("the start failed on a sound disk: {error}"))?;
        let recovery = engine.recovery().clone();
        self.engine = Some(engine);
        self.report.starts += 1;
        let losses = (&recovery.wal_losses, &recovery.segments_set_aside, &recovery.entries_undecodable);
        if !losses.0.is_empty() || !losses.1.is_empty() || !losses.2.is_empty() || recovery.manifest_damaged {
            return Err(format!("a sound disk is said to be damaged: {recovery:?}"));
        }
        self.check(Moment::Start)?;
        Ok(how + &format!("started, {} replayed", recovery.entries_replayed))
    }

    fn open(&self) -> Result<SteppedStore, StoreError> {
        let clock = self.clock.clone();
        let config = Config {
            directory: PathBuf::from("/data"),
            process_id: 7,
            now: Arc::new(move || UnixNanos(clock.load(Ordering::Relaxed))),
            retention: self.plan.shape.retention,
            spared: |_| false,
            limits: self.plan.shape.limits,
        };
        SteppedStore::open_on(Arc::new(self.disk.clone()), config, Freezing::ByHand)
    }

    fn check(&mut self, moment: Moment) -> Result<(), String> {
        self.report.checks += 1;
        let engine = self.engine.as_ref().expect("who checks has an engine");
        check(engine, &mut self.model, &mut self.known, moment, &mut self.dice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_is_the_same_run() {
        for seed in [7, 8, 9] {
            let plan = Plan::of(seed);
            let report = run(&plan).unwrap();
            assert!(!report.trace.is_empty());
            assert_eq!(report, run(&plan).unwrap());
        }
    }
}
