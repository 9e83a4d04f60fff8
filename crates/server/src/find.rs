//! `tracewell get` and `tracewell search`.

use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use span::DurationNanos;

use crate::ask::Asker;
use crate::cli::{Get, Search};
use crate::clock;
use crate::show::{self, Ink};

/// Prints one trace. The exit code says whether it was there.
pub(crate) fn get(get: &Get) -> anyhow::Result<ExitCode> {
    let mut asker = Asker::new(&get.server.server);
    let Some(trace) = wait(asker.trace(&get.id))? else {
        print(&format!("no trace {}; it may still be on its way, or be gone by retention", get.id))?;
        return Ok(ExitCode::FAILURE);
    };
    print(&show::tree(&trace, ink()))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what a search finds. The exit code says whether it found anything.
pub(crate) fn search(search: &Search) -> anyhow::Result<ExitCode> {
    let mut asker = Asker::new(&search.server.server);
    let traces = wait(asker.search(&parameters(search)))?;
    for trace in &traces {
        let text = if search.trees { show::tree(trace, ink()) + "\n" } else { show::line(trace, ink()) };
        print(&text)?;
    }
    if traces.is_empty() {
        print("nothing found; all conditions must hold on one span that began in the time of --since")?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the search in the words of Jaeger's API.
fn parameters(search: &Search) -> Vec<(&'static str, String)> {
    let now = clock::now();
    let start = now.minus(DurationNanos::from(search.since));
    let mut all = vec![
        ("start", start.to_micros().to_string()),
        ("end", now.to_micros().to_string()),
        ("limit", search.limit.to_string()),
    ];
    all.extend(search.service.iter().map(|name| ("service", name.clone())));
    all.extend(search.operation.iter().map(|name| ("operation", name.clone())));
    let time = |time: Duration| format!("{}us", time.as_micros());
    all.extend(search.min_duration.map(|least| ("minDuration", time(least))));
    all.extend(search.max_duration.map(|most| ("maxDuration", time(most))));
    let mut tags: serde_json::Map<String, serde_json::Value> =
        search.tags.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    if search.errors {
        tags.insert("error".to_owned(), "true".into());
    }
    if !tags.is_empty() {
        all.push(("tags", serde_json::Value::Object(tags).to_string()));
    }
    all
}

fn wait<T>(asking: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(asking)
}

fn ink() -> Ink {
    if std::io::stdout().is_terminal() { Ink::Colour } else { Ink::Plain }
}

/// Writes a line. A reader that went away, as `head` does, has what it wanted.
fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("writing to standard output")
        }
        _ => Ok(()),
    }
}
