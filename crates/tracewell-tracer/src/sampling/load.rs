//! Load: shares shrink while the process or the queue is too full, and grow back.
//!
//! Looked at once a second by the exporter's thread. Too full halves what is left of every share, down
//! to a floor; otherwise it grows by a quarter. The CPU is that of this process as a part of the cores
//! that it may use, where the system tells (Linux).

use std::time::Duration;

/// How load shrinks shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// The part of the cores that the process may use before shares shrink, 0 to 1.
    pub cpu: f64,
    /// The part of the queue's bytes that may be full before shares shrink, 0 to 1.
    pub queue: f64,
    /// What is left of each share at least, 0 to 1.
    pub least: f64,
    /// The part of the cores or of the queue from which on there is an emergency; above 1, never.
    pub emergency: f64,
}

impl Default for Load {
    fn default() -> Self {
        Self { cpu: 0.8, queue: 0.5, least: 0.01, emergency: 0.95 }
    }
}

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Looks at the load.
#[derive(Debug)]
pub(crate) struct LoadMeter {
    load: Load,
    scale: f64,
    emergency: bool,
    looked: Option<(u64, Option<f64>)>,
}

/// What load demands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Demand {
    pub(crate) scale: f64,
    pub(crate) emergency: bool,
}

impl LoadMeter {
    pub(crate) fn new(load: Load) -> Self {
        Self { load, scale: 1.0, emergency: false, looked: None }
    }

    /// Looks, at a time in nanoseconds, if it is time to; returns what changed.
    pub(crate) fn look(&mut self, now: u64, queue: f64) -> Option<Demand> {
        let due = |at: u64| EVERY.as_nanos() as u64 <= now.saturating_sub(at);
        if self.looked.is_some_and(|(at, _)| !due(at)) {
            return None;
        }
        let used = cpu_seconds();
        let before = self.looked.replace((now, used));
        let cpu = before.and_then(|(at, before)| {
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            let passed = now.saturating_sub(at) as f64 / 1e9;
            Some((used? - before?) / passed / cores as f64)
        });
        self.step(cpu.unwrap_or(0.0), queue)
    }

    fn step(&mut self, cpu: f64, queue: f64) -> Option<Demand> {
        let full = self.load.cpu < cpu || self.load.queue < queue;
        let scale = if full { self.scale / 2.0 } else { self.scale * 1.25 };
        // No number is no wish.
        let least = if self.load.least.is_nan() { 0.0 } else { self.load.least.clamp(0.0, 1.0) };
        let scale = scale.clamp(least, 1.0);
        let emergency = self.load.emergency <= cpu.max(queue);
        let changed = scale != self.scale || emergency != self.emergency;
        (self.scale, self.emergency) = (scale, emergency);
        changed.then_some(Demand { scale, emergency })
    }
}

/// Returns the CPU time of this process in seconds, where the system tells.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name stands in parentheses and may hold anything; user and system time are the 12th and 13th after.
    let mut after = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let user: u64 = after.nth(11)?.parse().ok()?;
    let system: u64 = after.next()?.parse().ok()?;
    // The kernel counts hundredths there on every architecture.
    Some((user + system) as f64 / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_halve_under_load_and_grow_back() {
        let mut meter = LoadMeter::new(Load { least: 0.1, ..Load::default() });
        assert_eq!(meter.step(0.5, 0.1), None);
        let halves: Vec<f64> =
            (0..5).filter_map(|_| meter.step(0.9, 0.0)).map(|demand| demand.scale).collect();
        assert_eq!(halves, [0.5, 0.25, 0.125, 0.1]);
        assert_eq!(meter.step(0.0, 0.6).map(|demand| demand.scale), None, "it is at its floor");
        let grown = (0..20).filter_map(|_| meter.step(0.0, 0.0)).last();
        assert_eq!(grown, Some(Demand { scale: 1.0, emergency: false }));
        assert_eq!(meter.step(0.0, 0.99).map(|demand| demand.emergency), Some(true));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn system_tells_the_time_of_the_process() {
        assert!(cpu_seconds().is_some());
    }
}
