//! Where requests end: kept as bytes, decoded when all is over by the server's own decoder.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use span::{SpanRef, StatusCode};

use super::shape::Shape;

/// Keeps requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Sink(Arc<Mutex<Vec<Vec<u8>>>>);

impl Sink {
    /// Keeps a request.
    pub(super) fn take(&self, body: Vec<u8>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(body);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Looks for every span, parent, attribute, event and status.
    pub(super) fn check(&self, shape: Shape, spans: usize) -> anyhow::Result<()> {
        let bodies = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let (mut found, mut children, mut events, mut failed) = (0, Vec::new(), 0, 0);
        let mut ids = HashSet::new();
        for body in bodies {
            let decoded = wire::otlp::decode_proto(body.into()).context("a request is no OTLP")?;
            ensure!(decoded.rejected == 0, "a span makes no sense: {:?}", decoded.reason);
            for span in decoded.batch.spans() {
                found += 1;
                ensure!(ids.insert((span.trace_id(), span.span_id())), "a span came twice");
                ensure!(span.start() <= span.end(), "a span ends before it begins");
                check_attributes(shape, span)?;
                events += span.events().len();
                failed += usize::from(span.status_code() == StatusCode::Error);
                if !span.parent_span_id().is_none() {
                    children.push((span.trace_id(), span.parent_span_id()));
                }
            }
        }
        ensure!(found == spans, "{found} of {spans} spans arrived");
        ensure!(children.iter().all(|parent| ids.contains(parent)), "a parent is missing");
        let expected = match shape {
            Shape::Flat => (0, 0, 0),
            Shape::Tree => (spans - spans / Shape::TREE, spans / Shape::TREE, 0),
            Shape::Error => (0, spans, spans),
        };
        let seen = (children.len(), events, failed);
        ensure!(seen == expected, "children, events, errors: {seen:?} of {expected:?}");
        Ok(())
    }
}

fn check_attributes(shape: Shape, span: SpanRef<'_>) -> anyhow::Result<()> {
    let wanted: &[&[u8]] = match shape {
        Shape::Tree if span.parent_span_id().is_none() => {
            &[b"s1", b"s2", b"s3", b"s4", b"s5", b"i1", b"i2", b"i3", b"b1", b"f1"]
        }
        _ => &[b"user", b"number"],
    };
    for key in wanted {
        ensure!(span.attribute(key).is_some(), "{} is missing", String::from_utf8_lossy(key));
    }
    Ok(())
}
