//! What the system knows of this process: processor time, memory, descriptors, dropped datagrams.
//!
//! All of it is read from `/proc`; where there is none, it is left out.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A moment of the process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Process {
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_bytes: u64,
    pub(crate) virtual_bytes: u64,
    pub(crate) threads: u64,
    pub(crate) descriptors: u64,
}

/// Asks for as many descriptors as the system would give, and returns how many there are.
pub(crate) fn widen_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    // A refusal leaves what there was, and that is what is returned.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

impl Process {
    /// Reads the present moment.
    pub(crate) fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let descriptors = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
        Self::parse(&stat, descriptors)
    }

    fn parse(stat: &str, descriptors: u64) -> Option<Self> {
        // The name may hold spaces and parentheses; the last one ends it.
        let (_, fields) = stat.rsplit_once(") ")?;
        let fields: Vec<u64> = fields.split(' ').map(|field| field.trim().parse().unwrap_or(0)).collect();
        let field = |number: usize| fields.get(number - 3).copied();
        let ticks = field(14)? + field(15)?;
        Some(Self {
            cpu_seconds: ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
            threads: field(20)?,
            virtual_bytes: field(23)?,
            resident_bytes: field(24)? * rustix::param::page_size() as u64,
            descriptors,
        })
    }
}

/// Returns how many datagrams the kernel dropped before a socket on this port.
pub(crate) fn datagrams_dropped(port: u16) -> u64 {
    let tables = ["/proc/net/udp", "/proc/net/udp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    tables.iter().map(|table| dropped_in(table, port)).sum()
}

fn dropped_in(table: &str, port: u16) -> u64 {
    let mut dropped = 0;
    for line in table.lines().skip(1) {
        let mut fields = line.split_whitespace();
        let local = fields.nth(1).and_then(|address| address.rsplit_once(':'));
        if local.is_some_and(|(_, hex)| u16::from_str_radix(hex, 16) == Ok(port)) {
            dropped += fields.last().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        }
    }
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_parentheses_are_skipped() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 100 4096000 10 0 0";
        let process = Process::parse(stat, 3).unwrap();
        assert_eq!((process.threads, process.virtual_bytes, process.descriptors), (9, 4_096_000, 3));
        assert!(0.0 < process.cpu_seconds && 0 < process.resident_bytes);
    }

    #[test]
    fn drops_are_summed_over_the_port() {
        let table = "  sl  local_address rem_address st tx rx tr retrnsmt uid timeout inode ref pointer drops\n \
            1: 0100007F:1AAF 00000000:0000 07 0:0 00:0 0 0 0 1 2 x 5\n \
            2: 0100007F:1AB0 00000000:0000 07 0:0 00:0 0 0 0 1 2 x 7\n";
        assert_eq!((dropped_in(table, 6831), dropped_in(table, 6832), dropped_in(table, 1)), (5, 7, 0));
    }
}
