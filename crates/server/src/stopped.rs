//! `tracewell store`: looks into a data directory that no server holds.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use crate::cli::{SettingFlags, Store};
use crate::config::{Config, ConfigErrors, show_bytes};
use crate::engines::{self, Cost, Inspection};
use crate::{export, import, log, say};

/// How many traces a damage names.
const TRACES_MAX: usize = 5;

/// Runs the command on the directory that the settings name.
pub(crate) fn run(
    command: Store,
    configure: impl FnOnce(SettingFlags) -> Result<(Config, Vec<String>), ConfigErrors>,
) -> anyhow::Result<ExitCode> {
    match command {
        Store::Verify(flags) => {
            let (config, _) = configure(flags)?;
            let found = engines::verify(&config, &mut progress())?;
            say(verdict(&found).trim_end());
            Ok(if found.damages.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Store::Stats(stats) => {
            let (config, _) = configure(stats.settings)?;
            let costs = engines::costs(&config)?;
            say(match stats.json {
                true => json(&costs),
                false => table(&costs),
            }
            .trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Store::Export(wanted) => {
            let (config, _) = configure(wanted.settings.clone())?;
            log::begin(&config.log);
            export::run(&wanted, &config)
        }
        Store::Import(wanted) => {
            let (config, _) = configure(wanted.settings.clone())?;
            log::begin(&config.log);
            import::run(&wanted, &config)
        }
    }
}

/// Says on a terminal how far it is.
fn progress() -> impl FnMut(u64, u64) {
    let is_terminal = std::io::stderr().is_terminal();
    move |done, total| {
        if is_terminal {
            let end = if done == total { "\n" } else { "" };
            // Nobody reads a closed standard error.
            let _ = write!(std::io::stderr(), "\r{done} of {total} segments{end}");
        }
    }
}

fn verdict(found: &Inspection) -> String {
    let mut text = String::new();
    for damage in &found.damages {
        let _ = write!(text, "damaged: {}: {}", damage.path.display(), damage.what);
        match damage.spans {
            Some(spans) => {
                let _ = write!(text, "\n  may cost {spans} spans");
            }
            None => text.push_str("\n  how many spans that costs is not known"),
        }
        if let Some(tenant) = &damage.tenant {
            let _ = write!(text, " of tenant {}", tenant.as_str());
        }
        if let Some((first, last)) = damage.starts {
            let _ = write!(text, ", begun from {} to {} (ns since 1970)", first.0, last.0);
        }
        if let Some((first, last)) = damage.received {
            let _ = write!(text, ", arrived from {} to {} (ns since 1970)", first.0, last.0);
        }
        if !damage.traces.is_empty() {
            let named = damage.traces.iter().take(TRACES_MAX).map(ToString::to_string).collect::<Vec<_>>();
            let more = damage.traces.len().saturating_sub(TRACES_MAX);
            let more = if 0 < more { format!(" and {more} more") } else { String::new() };
            let _ = write!(text, ", of the traces {}{more}", named.join(", "));
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "{} spans in {} segments ({}), {} spans in {} entries of the log",
        found.segments_spans,
        found.segments,
        show_bytes(found.segments_bytes),
        found.log_spans,
        found.log_entries
    );
    match found.damages.len() {
        0 => text.push_str("all is sound\n"),
        count => {
            let _ = writeln!(text, "{count} damaged");
        }
    }
    text
}

fn table(costs: &[Cost]) -> String {
    let total: u64 = costs.iter().map(|cost| cost.bytes).sum();
    let mut text = format!("{} in segments\n", show_bytes(total));
    for cost in costs {
        let share = 100.0 * cost.bytes as f64 / total.max(1) as f64;
        let (tenant, what) = (cost.tenant.as_str(), cost.what.escape_debug());
        let _ = writeln!(text, "{share:>5.1} %  {:>10}  {tenant:<12}  {what}", show_bytes(cost.bytes));
    }
    text
}

fn json(costs: &[Cost]) -> String {
    let total: u64 = costs.iter().map(|cost| cost.bytes).sum();
    let lines: Vec<serde_json::Value> = costs
        .iter()
        .map(|cost| {
            let share = cost.bytes as f64 / total.max(1) as f64;
            serde_json::json!({
                "tenant": cost.tenant.as_str(), "what": cost.what, "bytes": cost.bytes, "share": share,
            })
        })
        .collect();
    serde_json::json!({ "bytes": total, "costs": lines }).to_string()
}
