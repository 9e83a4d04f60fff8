//! What in a trace cannot be taken at its word.

use span::{DurationNanos, SpanKind};

use super::{Case, Finding, FindingKind};

/// Finds the spans whose parent is not stored.
pub(super) fn orphans(case: &Case<'_>) -> Option<Finding> {
    let rows: Vec<usize> = (0..case.tree.len()).filter(|row| case.tree.is_orphan(*row)).collect();
    let first = *rows.first()?;
    Some(Finding::new(FindingKind::Orphans, first, rows, DurationNanos(0)))
}

/// Finds the server halves of calls that lie outside their client halves: the two ran on two hosts, and
/// their clocks disagree. A server may go on after its client has left, so one that ends late is only told
/// where it would have fitted.
pub(super) fn clock_skew(case: &Case<'_>) -> (Vec<bool>, Option<Finding>) {
    let mut skewed = vec![false; case.tree.len()];
    let (mut rows, mut worst) = (Vec::new(), (DurationNanos(0), 0));
    for (row, skewed) in skewed.iter_mut().enumerate() {
        let Some(parent) = case.tree.parent(row) else { continue };
        let (server, client) = (case.span(row), case.span(parent));
        if (client.kind(), server.kind()) != (SpanKind::Client, SpanKind::Server) {
            continue;
        }
        let early = client.start().since(server.start());
        let late = server.end().since(client.end());
        let fits = server.duration() <= client.duration();
        let by = if fits { early.max(late) } else { early };
        if by.0 != 0 {
            *skewed = true;
            rows.push(row);
            worst = worst.max((by, usize::MAX - row));
        }
    }
    let finding =
        (!rows.is_empty()).then(|| Finding::new(FindingKind::ClockSkew, usize::MAX - worst.1, rows, worst.0));
    (skewed, finding)
}

#[cfg(test)]
mod tests {
    use store::conformance::Sketch;

    use super::super::tests::only;
    use super::*;
    use crate::tree::tests::at;

    fn call<'a>(server: Sketch<'a>) -> [Sketch<'a>; 3] {
        let client = Sketch { kind: SpanKind::Client, ..at(2, 1, 10, 60) };
        let server = Sketch { kind: SpanKind::Server, service: Some("stock"), ..server };
        [at(1, 0, 0, 100), client, server]
    }

    #[test]
    fn spans_without_their_parent_are_counted() {
        let all = [at(1, 0, 0, 9), at(2, 7, 1, 2), at(3, 8, 1, 2), at(4, 3, 1, 2)];
        assert_eq!(only(FindingKind::Orphans, &all), ["2 [2, 3] 0"]);
    }

    #[test]
    fn a_server_outside_its_call_has_another_clock() {
        assert_eq!(only(FindingKind::ClockSkew, &call(at(3, 2, 4, 50))), ["3 [3] 6"]);
        assert_eq!(only(FindingKind::ClockSkew, &call(at(3, 2, 30, 75))), ["3 [3] 15"]);
        assert!(only(FindingKind::ClockSkew, &call(at(3, 2, 20, 50))).is_empty());
    }

    #[test]
    fn a_server_that_outlives_its_call_is_right() {
        assert!(only(FindingKind::ClockSkew, &call(at(3, 2, 20, 95))).is_empty());
    }
}
