//! What the SDK counts, as Prometheus reads it.

use std::fmt::Write as _;

use crate::{Status, Tracer};

/// Returns the SDK's own counters in Prometheus' text format: append it to what the service exposes.
/// Empty if tracing is off.
///
/// ```
/// let _page = tracewell::metrics();
/// ```
pub fn metrics() -> String {
    Tracer::global().map(page).unwrap_or_default()
}

/// Writes everything that a tracer counts.
pub(crate) fn page(tracer: &Tracer) -> String {
    let mut page = String::new();
    let status = tracer.status();
    for (name, count) in counters(&status) {
        line(&mut page, "counter", name, count);
    }
    line(&mut page, "gauge", "tracewell_sdk_bytes_waiting", status.bytes_waiting as u64);
    page.push_str("# TYPE traces_sampled_total counter\n");
    for row in tracer.traces_sampled() {
        let decision = if row.recorded { "recorded" } else { "dropped" };
        let (operation, rule) = (escaped(&row.operation), escaped(&row.rule));
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "traces_sampled_total{{operation=\"{operation}\",decision=\"{decision}\",rule=\"{rule}\"}} {}",
            row.count
        );
    }
    page
}

fn counters(status: &Status) -> [(&'static str, u64); 8] {
    [
        ("tracewell_sdk_spans_exported_total", status.spans_exported),
        ("tracewell_sdk_spans_rejected_total", status.spans_rejected),
        ("tracewell_sdk_spans_failed_total", status.spans_failed),
        ("tracewell_sdk_spans_dropped_full_total", status.spans_dropped_full),
        ("tracewell_sdk_spans_dropped_late_total", status.spans_dropped_late),
        ("tracewell_sdk_spans_dropped_unsampled_total", status.spans_dropped_unsampled),
        ("tracewell_sdk_requests_total", status.requests),
        ("tracewell_sdk_retries_total", status.retries),
    ]
}

fn line(page: &mut String, kind: &str, name: &str, value: u64) {
    let _ = writeln!(page, "# TYPE {name} {kind}\n{name} {value}");
}

/// Escapes a label's value.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use tracewell_tracer::{Capture, TracerBuilder};

    use super::*;

    #[test]
    fn decisions_and_drops_are_a_page_of_metrics() {
        let guard = TracerBuilder::default().start(Capture::new().exporter()).unwrap();
        guard.tracer().span("GET \"/\"\n").start().end();
        let page = page(guard.tracer());
        let decided =
            r#"traces_sampled_total{operation="GET \"/\"\n",decision="recorded",rule="always_on"} 1"#;
        assert!(page.lines().any(|line| line == decided), "{page}");
        assert!(page.contains("tracewell_sdk_spans_dropped_full_total 0\n"));
    }
}
