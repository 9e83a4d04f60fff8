//! The SDK: what a span costs the thread that records it, and all threads until OTLP bytes exist.
//!
//! Each kit runs in a process of its own, because subscribers are global. A round is a burst of spans
//! between two runs of a calibration loop, timed by the CPU time of the thread and of the process; it
//! counts only where both loops ran near their best, because on a shared machine a busy neighbour costs
//! more than what is measured. Every request is kept and decoded at the end; a row whose spans, parents,
//! attributes, events and statuses are not all there is void.

mod burst;
mod kit;
mod ours;
mod peers;
mod shape;
mod sink;

use std::hint::black_box;
use std::process::Command;

use anyhow::{Context as _, ensure};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::row::{Bar, Row};
use kit::{Kit, Mode};
use shape::Shape;
use sink::Sink;

/// Spans of a round.
const SPANS: usize = 1_500;
/// Rounds that are tried.
const ROUNDS: usize = 300;
/// A calibration may be this much slower than the best one.
const SLACK: f64 = 1.06;

/// What one process measured.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Measured {
    /// Nanoseconds of the recording thread, per span: the median of the rounds that count.
    app: f64,
    /// Nanoseconds of all threads, per span: likewise.
    total: f64,
    /// Allocations of the recording thread, per span.
    allocations: f64,
    /// Rounds that count.
    rounds: usize,
}

/// One line of the table.
struct Line {
    row: &'static str,
    kit: &'static str,
    mode: Mode,
    shape: Shape,
    app_bar: Option<f64>,
    total_bar: Option<f64>,
}

const fn line(row: &'static str, kit: &'static str, mode: Mode, shape: Shape, bars: (f64, f64)) -> Line {
    Line { row, kit, mode, shape, app_bar: bar(bars.0), total_bar: bar(bars.1) }
}

/// Zero is no bar.
const fn bar(ns: f64) -> Option<f64> {
    if 0.0 < ns { Some(ns) } else { None }
}

const LINES: [Line; 17] = [
    line("sdk.flat.tracing", "tracing", Mode::On, Shape::Flat, (300.0, 400.0)),
    line("sdk.flat.direct", "direct", Mode::On, Shape::Flat, (300.0, 400.0)),
    line("sdk.flat.layer", "layer", Mode::On, Shape::Flat, (550.0, 0.0)),
    line("sdk.flat.tracing_opentelemetry", "tracing-opentelemetry", Mode::On, Shape::Flat, (0.0, 0.0)),
    line("sdk.flat.fastrace", "fastrace", Mode::On, Shape::Flat, (0.0, 0.0)),
    line("sdk.tree.tracing", "tracing", Mode::On, Shape::Tree, (0.0, 450.0)),
    line("sdk.tree.direct", "direct", Mode::On, Shape::Tree, (0.0, 400.0)),
    line("sdk.tree.tracing_opentelemetry", "tracing-opentelemetry", Mode::On, Shape::Tree, (0.0, 0.0)),
    line("sdk.tree.fastrace", "fastrace", Mode::On, Shape::Tree, (0.0, 0.0)),
    line("sdk.error.direct", "direct", Mode::On, Shape::Error, (300.0, 1000.0)),
    line("sdk.sampled_out.direct", "direct", Mode::SampledOut, Shape::Tree, (20.0, 0.0)),
    line("sdk.sampled_out.tracing", "tracing", Mode::SampledOut, Shape::Tree, (50.0, 0.0)),
    line(
        "sdk.sampled_out.tracing_opentelemetry",
        "tracing-opentelemetry",
        Mode::SampledOut,
        Shape::Tree,
        (0.0, 0.0),
    ),
    line("sdk.sampled_out.fastrace", "fastrace", Mode::SampledOut, Shape::Tree, (0.0, 0.0)),
    line("sdk.off.tracing", "tracing", Mode::Off, Shape::Flat, (3.0, 0.0)),
    line("sdk.off.direct", "direct", Mode::Off, Shape::Flat, (3.0, 0.0)),
    line("sdk.off.fastrace", "fastrace", Mode::Off, Shape::Flat, (0.0, 0.0)),
];

/// Measures every line, each in a process of its own; rows whose name has no `only` in it are left out.
pub(crate) fn measure(only: Option<&str>) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for line in LINES.iter().filter(|line| only.is_none_or(|only| line.row.contains(only))) {
        let own = std::env::current_exe().context("cannot find this program")?;
        let output = Command::new(own)
            .args(["sdk-kit", line.kit, line.mode.name(), line.shape.name()])
            .output()
            .context("cannot run this program")?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success(),
            "{} is void: {said}{}",
            line.row,
            String::from_utf8_lossy(&output.stderr)
        );
        let measured: Measured = serde_json::from_str(&said).context("a kit answers in JSON")?;
        let note = format!("{} of {ROUNDS} rounds counted", measured.rounds);
        let row = |what: &str, unit, value, bar: Option<f64>| {
            let row = Row::new(format!("{}.{what}", line.row), unit, value).note(note.clone());
            match bar {
                Some(bar) => row.bar(Bar::AtMost(bar)),
                None => row,
            }
        };
        rows.push(row("app", "ns", measured.app, line.app_bar));
        if line.mode == Mode::On {
            rows.push(row("total", "ns", measured.total, line.total_bar));
        }
        // A burst of 1,500 spans and the flush behind it swap a few buffers; a span itself allocates nothing.
        let bar = line.app_bar.map(|_| 0.01).filter(|_| line.kit != "layer");
        rows.push(row("allocations", "per span", measured.allocations, bar));
    }
    if only.is_none_or(|only| "sdk.burst".contains(only) || only.starts_with("sdk.burst")) {
        rows.extend(burst_rows()?);
    }
    Ok(rows)
}

/// Measures bursts, in a process of their own.
fn burst_rows() -> anyhow::Result<Vec<Row>> {
    let own = std::env::current_exe().context("cannot find this program")?;
    let output = Command::new(own).args(["sdk-kit", "burst", "on", "flat"]).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "sdk.burst is void: {}", String::from_utf8_lossy(&output.stderr));
    let burst: burst::Burst = serde_json::from_str(&said).context("a burst answers in JSON")?;
    let row = |name: &str, unit, value, bar: Option<f64>| {
        let row = Row::new(name, unit, value).note("100,000 spans at once");
        if let Some(bar) = bar { row.bar(Bar::AtMost(bar)) } else { row }
    };
    Ok(vec![
        row("sdk.burst.start_memory", "MiB", burst.start_mib, Some(10.0)),
        row("sdk.burst.lost", "spans", burst.lost, Some(0.0)),
        row("sdk.burst.peak_memory", "MiB", burst.peak_mib, Some(64.0)),
        row("sdk.burst.waiting", "B per span", burst.bytes_per_span, Some(1024.0)),
        row("sdk.burst.past_budget.dropped", "spans", burst.dropped, None),
        row("sdk.burst.past_budget.unaccounted", "spans", burst.unaccounted, Some(0.0)),
    ])
}

/// Measures one kit in this process and prints what came out.
pub(crate) fn run_kit(kit: &str, mode: &str, shape: &str) -> anyhow::Result<()> {
    if kit == "burst" {
        println!("{}", serde_json::to_string(&burst::run()?)?);
        return Ok(());
    }
    let mode = Mode::named(mode).context("no such mode")?;
    let shape = Shape::named(shape).context("no such shape")?;
    let sink = Sink::default();
    let mut kit: Box<dyn Kit> = match kit {
        "tracing" | "direct" | "layer" => ours::kit(kit, mode, &sink)?,
        "tracing-opentelemetry" | "fastrace" => peers::kit(kit, mode, &sink)?,
        other => anyhow::bail!("no such kit: {other}"),
    };
    let measured = rounds(&mut *kit, shape);
    drop(kit);
    if mode == Mode::On {
        sink.check(shape, (ROUNDS + 2) * SPANS)?;
    } else {
        ensure!(sink.is_empty(), "spans arrived that should not");
    }
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

fn rounds(kit: &mut dyn Kit, shape: Shape) -> Measured {
    // Two rounds fill pools and caches.
    for _ in 0..2 {
        kit.record(shape, SPANS);
        kit.flush();
    }
    let mut taken = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let before = calibration();
        let (app, all) = (nanos(ClockId::ThreadCPUTime), nanos(ClockId::ProcessCPUTime));
        let counted = allocation_counter::measure(|| kit.record(shape, SPANS));
        let app = nanos(ClockId::ThreadCPUTime) - app;
        kit.flush();
        let all = nanos(ClockId::ProcessCPUTime) - all;
        let after = calibration();
        taken.push((before.max(after), app, all, counted.count_total as f64));
    }
    let best = taken.iter().map(|round| round.0).fold(f64::MAX, f64::min);
    let mut good: Vec<_> = taken.iter().filter(|round| round.0 <= best * SLACK).collect();
    if good.len() < 10 {
        // No quiet moment: the ten quietest say more than none.
        let mut quietest: Vec<_> = taken.iter().collect();
        quietest.sort_by(|a, b| a.0.total_cmp(&b.0));
        good = quietest.into_iter().take(10).collect();
    }
    let median = |value: fn(&(f64, f64, f64, f64)) -> f64| {
        let mut values: Vec<f64> = good.iter().map(|round| value(round)).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2] / SPANS as f64
    };
    Measured {
        app: median(|round| round.1),
        total: median(|round| round.2),
        allocations: median(|round| round.3),
        rounds: good.len(),
    }
}

/// Runs a loop that keeps several ports of the core busy at once, and returns its nanoseconds. A chain of
/// dependent steps would not notice a neighbour on the same core.
fn calibration() -> f64 {
    let start = nanos(ClockId::ThreadCPUTime);
    let mut lanes = [1u64, 2, 3, 4, 5, 6, 7, 8];
    for step in 0..2_000u64 {
        for (at, lane) in lanes.iter_mut().enumerate() {
            *lane = lane.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(at as u32) ^ step;
        }
    }
    black_box(lanes);
    nanos(ClockId::ThreadCPUTime) - start
}

fn nanos(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
