//! Questions to Jaeger's v1 API over what was loaded, one connection, best of three rounds.
//!
//! Wall time is what a person waits for, so it is the row; the server's CPU per question stands in the
//! note, because the machine is noisy and CPU is not.

use std::time::Duration;

use anyhow::ensure;
use span::{TraceId, UnixNanos};

use crate::client::Client;
use crate::row::{Bar, Row};
use crate::target::Target;

/// How often each question is asked; the best round counts.
const ROUNDS: usize = 3;

/// In what state the store is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Just loaded.
    Loaded,
    /// Every hour joined.
    Compacted,
    /// While spans arrive: a question may take twice as long.
    Busy,
}

impl Asked {
    /// Returns what stands before the names of rows.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Loaded => "",
            Self::Compacted => "compacted.",
            Self::Busy => "busy.",
        }
    }

    fn bar(self, bar: f64) -> f64 {
        if self == Self::Busy { 2.0 * bar } else { bar }
    }
}

/// A question, and what its answer must at least be.
struct Question {
    name: &'static str,
    paths: Vec<String>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    /// Whether the answer is a 404.
    absent: bool,
}

/// Asks all questions. `known` are ids that were loaded, `window` is when their spans lie.
pub(crate) async fn measure(
    target: &Target,
    known: &[TraceId],
    window: (UnixNanos, UnixNanos),
    asked: Asked,
) -> anyhow::Result<Vec<Row>> {
    let mut client = Client::connect(target.query).await?;
    let mut rows = Vec::new();
    let rare = rare_values(&mut client, known).await?;
    for question in questions(known, window, &rare) {
        if target.is_peer
            && let Some(why) = refusal(&mut client, &question).await?
        {
            println!("the peer does not answer {}: {why}", question.name);
            continue;
        }
        rows.extend(ask(&mut client, target, &question, asked).await?);
    }
    Ok(rows)
}

/// Returns values of `session.id`, each of which one trace has.
async fn rare_values(client: &mut Client, known: &[TraceId]) -> anyhow::Result<Vec<String>> {
    let mut values = Vec::new();
    for id in known.iter().take(200) {
        let answer = client.found(&format!("/api/traces/{id}")).await?;
        let text = std::str::from_utf8(&answer.body)?;
        let of_tag = text.split_once("\"session.id\"").and_then(|(_, rest)| rest.split_once("\"value\":\""));
        values.extend(of_tag.and_then(|(_, rest)| rest.split_once('"')).map(|(value, _)| value.to_owned()));
        if values.len() == 20 {
            break;
        }
    }
    ensure!(!values.is_empty(), "no trace of the load has a session");
    Ok(values)
}

fn questions(known: &[TraceId], window: (UnixNanos, UnixNanos), rare: &[String]) -> Vec<Question> {
    let by_id = known.iter().take(500).map(|id| format!("/api/traces/{id}")).collect();
    let absent = (1..=200_u64).map(|low| format!("/api/traces/{}", TraceId::from_halves(0x5ca1_ab1e, low)));
    let (start, end) = (window.0.to_micros(), window.1.to_micros());
    let search = |rest: &str| vec![format!("/api/traces?start={start}&end={end}&limit=20&{rest}"); 10];
    let rare_paths = rare.iter().flat_map(|value| {
        let of_session = format!("service=frontend&tags=%7B%22session.id%22%3A%22{value}%22%7D");
        search(&of_session).into_iter().take(1)
    });
    let rare_paths: Vec<String> = rare_paths.collect();
    let question = |name, paths| Question { name, paths, p50_ms: None, p99_ms: None, absent: false };
    vec![
        Question { p50_ms: Some(1.0), p99_ms: Some(5.0), ..question("query.by_id", by_id) },
        Question { p50_ms: Some(0.4), absent: true, ..question("query.by_id_absent", absent.collect()) },
        Question {
            p50_ms: Some(8.0),
            ..question("query.service_operation", search("service=cart&operation=shop.CartService%2FGetCart"))
        },
        Question {
            p50_ms: Some(20.0),
            ..question(
                "query.service_status_slow",
                search(
                    "service=frontend&tags=%7B%22http.response.status_code%22%3A%22500%22%7D&minDuration=200ms",
                ),
            )
        },
        Question { p50_ms: Some(4.0), ..question("query.rare_value", rare_paths) },
        question(
            "query.service_tag_slow",
            search("service=payment&tags=%7B%22error%22%3A%22true%22%7D&minDuration=20ms"),
        ),
        question("query.any_service", search("")),
        Question {
            p50_ms: Some(0.5),
            ..question(
                "query.absent_value",
                search("service=frontend&tags=%7B%22user.id%22%3A%22nobody%22%7D"),
            )
        },
        question("query.services", vec!["/api/services".to_owned(); 50]),
    ]
}

/// Asks once whether the server knows such questions at all; Jaeger, say, searches no trace without a service.
async fn refusal(client: &mut Client, question: &Question) -> anyhow::Result<Option<String>> {
    let Some(path) = question.paths.first() else { return Ok(None) };
    let status = client.get(path).await?.status;
    let answers = status.is_success() || question.absent && status.as_u16() == 404;
    Ok((!answers).then(|| status.to_string()))
}

async fn ask(
    client: &mut Client,
    target: &Target,
    question: &Question,
    asked: Asked,
) -> anyhow::Result<Vec<Row>> {
    let mut best: Option<(Vec<Duration>, f64, usize)> = None;
    // The first round warms caches on both sides and is not counted.
    for round in 0..=ROUNDS {
        let before = target.process.cpu_seconds()?;
        let mut took = Vec::with_capacity(question.paths.len());
        let mut bytes = 0;
        for path in &question.paths {
            let answer = if question.absent { client.get(path).await? } else { client.found(path).await? };
            ensure!(!question.absent || answer.status.as_u16() == 404, "{path} was found");
            took.push(answer.took);
            bytes += answer.body.len();
        }
        took.sort_unstable();
        let cpu_ms = (target.process.cpu_seconds()? - before) * 1e3 / took.len() as f64;
        let better = best.as_ref().is_none_or(|(kept, ..)| at(&took, 0.5) < at(kept, 0.5));
        if 0 < round && better {
            best = Some((took, cpu_ms, bytes));
        }
    }
    let (took, cpu_ms, bytes) = best.expect("there is at least one counted round");
    let kb = bytes as f64 / took.len() as f64 / 1e3;
    let note = format!("server CPU {cpu_ms:.2} ms, {kb:.1} kB of JSON, {} questions", took.len());
    let row = |part: &str, share, bar: Option<f64>| {
        let name = format!("{}{}.{part}", asked.prefix(), question.name);
        let row = Row::new(name, "ms", at(&took, share)).note(note.clone());
        Row { bar: bar.map(|bar| Bar::AtMost(asked.bar(bar))), ..row }
    };
    Ok(vec![row("p50", 0.5, question.p50_ms), row("p99", 0.99, question.p99_ms)])
}

/// Returns the quantile of sorted times, in milliseconds.
fn at(sorted: &[Duration], share: f64) -> f64 {
    let place = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[place].as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_measured() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!((at(&times, 0.0), at(&times, 0.5), at(&times, 1.0)), (1.0, 51.0, 100.0));
    }
}
