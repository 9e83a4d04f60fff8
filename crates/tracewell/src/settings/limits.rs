//! How much a span may hold, and how much may wait.

use tracewell_tracer::{Limits, Queue};

use super::{Environment, millis};

pub(super) fn read(env: &mut Environment<'_>) -> Limits {
    let usual = Limits::default();
    let mut count = |names: &[&'static str], usual: u32| {
        env.number(names).map_or(usual, |number| u32::try_from(number).unwrap_or(u32::MAX))
    };
    let attributes = ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"];
    let per_event =
        ["OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"];
    let mut limits = Limits {
        attributes: count(&attributes, usual.attributes),
        events: count(&["OTEL_SPAN_EVENT_COUNT_LIMIT"], usual.events),
        links: count(&["OTEL_SPAN_LINK_COUNT_LIMIT"], usual.links),
        attributes_per_event: count(&per_event, usual.attributes_per_event),
        value_chars: usual.value_chars,
    };
    let length = ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"];
    if let Some(chars) = env.number(&length) {
        limits.value_chars = usize::try_from(chars).unwrap_or(usize::MAX);
    }
    limits
}

pub(super) fn queue(env: &mut Environment<'_>) -> Queue {
    let usual = Queue::default();
    let delay = ["OTEL_BSP_SCHEDULE_DELAY", "BATCH_SPAN_PROCESSOR_SCHEDULE_DELAY_MILLIS"];
    let timeout =
        ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_BSP_EXPORT_TIMEOUT"];
    let batch = ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "BATCH_SPAN_PROCESSOR_MAX_EXPORT_BATCH_SIZE"];
    let sizes = ["OTEL_BSP_MAX_QUEUE_SIZE", "BATCH_SPAN_PROCESSOR_MAX_QUEUE_SIZE"];
    if let Some((name, _)) = env.first(&sizes) {
        env.warn(format!("{name} counts spans; here the queue is bounded in bytes: MEMORY_LIMIT_MIB"));
    }
    let small = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Queue {
        // A thread that never rested would cost the service what it is meant to save.
        delay: millis(env, &delay)
            .map_or(usual.delay, |delay| delay.max(std::time::Duration::from_millis(10))),
        timeout: millis(env, &timeout).filter(|timeout| !timeout.is_zero()).unwrap_or(usual.timeout),
        batch_spans: env.number(&batch).map_or(usual.batch_spans, |spans| small(spans).max(1)),
        bytes_max: env
            .number(&["MEMORY_LIMIT_MIB"])
            .map_or(usual.bytes_max, |mib| small(mib.max(1)).saturating_mul(1024 * 1024)),
        ..usual
    }
}
