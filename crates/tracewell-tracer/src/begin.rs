//! How a span begins: whose child it is, whether it is recorded, who it is.

use std::sync::Arc;

use tracewell_context::{Context, Sampling, SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use crate::engine::Engine;
use crate::local;
use crate::record::Record;
use crate::sampling::Asking;

/// A span's beginning: who it is, and its record if it is to have one.
pub(crate) struct Begun {
    pub(crate) context: Context,
    pub(crate) record: Option<Box<Record>>,
}

/// Who begins spans: an engine, and the scope that they name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beginner<'a> {
    pub(crate) engine: &'a Arc<Engine>,
    pub(crate) scope: u32,
}

impl Beginner<'_> {
    /// Decides about a span and begins it.
    #[inline]
    pub(crate) fn begin(&self, name: &str, parent: Option<Context>) -> Begun {
        if self.engine.is_closed() || local::is_suppressed() {
            return Begun { context: Context::default(), record: None };
        }
        let parent = match parent {
            Some(parent) => parent,
            None => local::with_current(Context::clone),
        };
        if !parent.span.is_valid() {
            return self.begin_root(name, parent);
        }
        match self.engine.judge.inherited(&parent) {
            // Nobody will ever see the child: its parent's ids do for what it calls.
            Some(false) => Begun { context: parent, record: None },
            Some(true) => self.begin_child(name, parent, None),
            None => {
                let trace_id = parent.span.trace_id;
                let decided = self.engine.judge.decide(&Asking { name, parent: Some(&parent), trace_id });
                match decided {
                    Some(state) => self.begin_child(name, parent, Some(state)),
                    None => {
                        let mut context = parent;
                        context.span.flags = context.span.flags.without(TraceFlags::SAMPLED);
                        context.sampling = Sampling::Decided;
                        Begun { context, record: None }
                    }
                }
            }
        }
    }

    fn begin_root(&self, name: &str, mut context: Context) -> Begun {
        let ticks = self.engine.clock.ticks();
        let [high, low, span] = local::draw(ticks);
        let trace_id = TraceId::from_halves(high, low);
        let inherited = self.engine.judge.inherited(&context);
        let decided = match inherited {
            Some(false) => None,
            Some(true) => Some(TraceState::EMPTY),
            None => self.engine.judge.decide(&Asking { name, parent: None, trace_id }),
        };
        let mut flags = TraceFlags::RANDOM;
        if decided.is_some() {
            flags = flags.with(TraceFlags::SAMPLED);
        }
        context.span = SpanContext::new(trace_id, SpanId::from_u64(span), flags);
        context.sampling = Sampling::Decided;
        let Some(state) = decided else { return Begun { context, record: None } };
        context.span.trace_state = state;
        let record = self.record(&context, None, name, ticks);
        Begun { context, record: Some(record) }
    }

    #[inline]
    fn begin_child(&self, name: &str, parent: Context, state: Option<TraceState>) -> Begun {
        let ticks = self.engine.clock.ticks();
        let [span] = local::draw(ticks);
        let mut context = parent;
        let above = SpanContext {
            trace_state: TraceState::EMPTY,
            ..SpanContext {
                is_remote: context.span.is_remote,
                ..SpanContext::new(context.span.trace_id, context.span.span_id, context.span.flags)
            }
        };
        context.span.span_id = SpanId::from_u64(span);
        context.span.is_remote = false;
        if let Some(state) = state {
            context.span.flags = context.span.flags.with(TraceFlags::SAMPLED);
            context.sampling = Sampling::Decided;
            if let Some(threshold) = state.ot("th")
                && let Ok(joined) = context.span.trace_state.with_ot("th", threshold)
            {
                context.span.trace_state = joined;
            }
        }
        let record = self.record(&context, Some(&above), name, ticks);
        Begun { context, record: Some(record) }
    }

    #[inline]
    fn record(&self, context: &Context, parent: Option<&SpanContext>, name: &str, ticks: u64) -> Box<Record> {
        let mut record = local::record(self.engine);
        record.begin(&context.span, parent, name, ticks);
        if self.scope != 0 {
            record.in_scope(self.scope);
        }
        record
    }
}
