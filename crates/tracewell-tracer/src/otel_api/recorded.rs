//! A span of ours in the hands of OpenTelemetry's API.

use std::borrow::Cow;
use std::time::SystemTime;

use crate::{Span, SpanStatus};
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, Status};
use tracewell_context::SpanId;

use super::convert;
use super::live::Place;

/// One operation, as OpenTelemetry's API sees it. It ends when it is told to, or when it is dropped.
#[derive(Debug)]
pub struct BridgeSpan {
    /// `None` once it has ended.
    span: Option<Span>,
    context: SpanContext,
    /// Longer than the span: an ended one may still be somebody's parent.
    _place: Place,
}

impl BridgeSpan {
    pub(super) fn new(span: Span, under: SpanId) -> Self {
        let place = Place::take(span.context(), under);
        let context = convert::otel_context(&span.context().span);
        Self { span: Some(span), context, _place: place }
    }
}

impl opentelemetry::trace::Span for BridgeSpan {
    fn add_event_with_timestamp<T>(&mut self, name: T, timestamp: SystemTime, attributes: Vec<KeyValue>)
    where
        T: Into<Cow<'static, str>>,
    {
        if let Some(span) = &mut self.span {
            convert::attributes(&attributes, |attributes| {
                span.event_at(timestamp, &name.into(), attributes);
            });
        }
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.span.as_ref().is_some_and(Span::is_recording)
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        if let Some(span) = &mut self.span {
            convert::value(&attribute.value, |value| {
                span.attr(attribute.key.as_str(), value);
            });
        }
    }

    fn set_status(&mut self, status: Status) {
        let Some(span) = &mut self.span else { return };
        match &status {
            Status::Unset => {}
            Status::Ok => {
                span.status(SpanStatus::Ok, "");
            }
            Status::Error { description } => {
                span.status(SpanStatus::Error, description);
            }
        }
    }

    fn update_name<T>(&mut self, new_name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        if let Some(span) = &mut self.span {
            span.rename(&new_name.into());
        }
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        if let Some(span) = &mut self.span {
            let to = convert::span_context(&span_context);
            convert::attributes(&attributes, |attributes| {
                span.link(&to, attributes);
            });
        }
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        if let Some(span) = self.span.take() {
            span.end_at(timestamp);
        }
    }
}
