//! How a span begins: whose child it is, whether it is recorded, who it is.

use std::sync::Arc;

use tracewell_context::{Context, Sampling, SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use crate::ambient;
use crate::engine::Engine;
use crate::fold;
use crate::kind::Kind;
use crate::local;
use crate::record::Record;
use crate::sampling::{Asking, Priority, Verdict};
use crate::ties::Ties;

/// A span's beginning: who it is, and its record if it is to have one.
pub(crate) struct Begun {
    pub(crate) context: Context,
    pub(crate) record: Option<Box<Record>>,
    /// The sampler wants to know attributes first: the parent's context, until [`Beginner::settle`].
    pub(crate) undecided: Option<Box<Context>>,
}

impl Begun {
    pub(crate) fn unrecorded(context: Context) -> Self {
        Self { context, record: None, undecided: None }
    }
}

/// What is known of a span before it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
}

/// Who begins spans: an engine, and the scope that they name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beginner<'a> {
    pub(crate) engine: &'a Arc<Engine>,
    pub(crate) scope: u32,
}

impl Beginner<'_> {
    /// Decides about a span and begins it. `priority` is asked where there is something to decide.
    #[inline]
    pub(crate) fn begin(
        &self,
        opening: Opening<'_>,
        parent: Option<Context>,
        priority: &dyn Fn() -> Option<Priority>,
    ) -> Begun {
        let engine = self.engine;
        if engine.is_closed() || local::is_suppressed() {
            return Begun::unrecorded(Context::default());
        }
        let parent = match parent {
            Some(parent) => parent,
            None => ambient::with_current(Context::clone),
        };
        let inherited = engine.judge.inherited(&parent);
        let is_root = !parent.span.is_valid();
        if inherited == Some(false) && !is_root && !parent.span.is_remote && engine.trails.is_none() {
            // Nobody will ever see the child: its parent's ids do for what it calls.
            return Begun::unrecorded(parent);
        }
        if is_root {
            self.begin_root(opening, parent, inherited, priority)
        } else {
            self.begin_child(opening, parent, inherited, priority)
        }
    }

    fn begin_root(
        &self,
        opening: Opening<'_>,
        mut context: Context,
        inherited: Option<bool>,
        priority: &dyn Fn() -> Option<Priority>,
    ) -> Begun {
        let engine = self.engine;
        let [high, low, span] = local::draw();
        let trace_id = TraceId::from_halves(high, low);
        context.span = SpanContext::new(trace_id, SpanId::from_u64(span), TraceFlags::RANDOM);
        context.sampling = Sampling::Decided;
        let recorded = match inherited {
            Some(sampled) => {
                local::count(engine, opening.name, sampled, "parent");
                sampled.then_some(TraceState::EMPTY)
            }
            None if engine.judge.is_curious() => {
                let record = self.root(&mut context, opening);
                return Begun { context, record: Some(record), undecided: Some(Box::default()) };
            }
            None => {
                let Opening { name, kind } = opening;
                let asking = Asking { name, kind, parent: None, trace_id, message: &[] };
                self.decide(&asking, priority())
            }
        };
        if let Some(state) = recorded {
            context.span.flags = context.span.flags.with(TraceFlags::SAMPLED);
            context.span.trace_state = state;
            let record = self.root(&mut context, opening);
            return Begun { context, record: Some(record), undecided: None };
        }
        if engine.trails.is_none() {
            return Begun::unrecorded(context);
        }
        let ticks = self.renew(&mut context);
        let trace_id = context.span.trace_id;
        let record = self.trailing(trace_id, true, || self.record(&context, None, opening, ticks));
        Begun { context, record, undecided: None }
    }

    /// Makes the record of a root.
    fn root(&self, context: &mut Context, opening: Opening<'_>) -> Box<Record> {
        let ticks = self.renew(context);
        self.record(context, None, opening, ticks)
    }

    /// Draws a root's ids anew as far as no decision hangs on them: with the clock, so that they differ
    /// from those of a process that was forked from this one.
    fn renew(&self, context: &mut Context) -> u64 {
        let ticks = self.engine.clock.ticks();
        let [high, span] = local::draw_at(ticks);
        context.span.trace_id = TraceId::from_halves(high, context.span.trace_id.low());
        context.span.span_id = SpanId::from_u64(span);
        ticks
    }

    fn begin_child(
        &self,
        opening: Opening<'_>,
        parent: Context,
        inherited: Option<bool>,
        priority: &dyn Fn() -> Option<Priority>,
    ) -> Begun {
        let engine = self.engine;
        let ticks = engine.clock.ticks();
        let [span] = local::draw_at(ticks);
        let mut context = parent.clone();
        context.span.span_id = SpanId::from_u64(span);
        context.span.is_remote = false;
        let record = |context: &Context| self.record(context, Some(&parent.span), opening, ticks);
        let remote = parent.span.is_remote;
        if remote && let Some(sampled) = inherited {
            local::count(engine, opening.name, sampled, "parent");
        }
        match inherited {
            Some(true) => {
                let record = record(&context);
                return Begun { context, record: Some(record), undecided: None };
            }
            Some(false) => {
                let trailing = self.trailing(context.span.trace_id, remote, || record(&context));
                return match trailing {
                    Some(record) => Begun { context, record: Some(record), undecided: None },
                    None => Begun::unrecorded(parent),
                };
            }
            None => {}
        }
        context.sampling = Sampling::Decided;
        context.span.flags = context.span.flags.without(TraceFlags::SAMPLED);
        let trace_id = parent.span.trace_id;
        if engine.judge.is_curious() {
            let record = record(&context);
            return Begun { context, record: Some(record), undecided: Some(Box::new(parent)) };
        }
        let Opening { name, kind } = opening;
        let asking = Asking { name, kind, parent: Some(&parent), trace_id, message: &[] };
        match self.decide(&asking, priority()) {
            Some(state) => {
                sampled(&mut context, &state);
                let record = record(&context);
                Begun { context, record: Some(record), undecided: None }
            }
            None => match self.trailing(trace_id, true, || record(&context)) {
                Some(record) => Begun { context, record: Some(record), undecided: None },
                None => {
                    context.span.span_id = parent.span.span_id;
                    context.span.is_remote = remote;
                    Begun::unrecorded(context)
                }
            },
        }
    }

    /// Decides about a span whose first attributes have been said.
    #[cold]
    pub(crate) fn settle(&self, begun: &mut Begun, name: &str, priority: Option<Priority>) {
        let (Some(parent), Some(mut record)) = (begun.undecided.take(), begun.record.take()) else { return };
        let context = &mut begun.context;
        let asking = Asking {
            name,
            kind: record.kind_said(),
            parent: Some(&*parent).filter(|parent| parent.span.is_valid()),
            trace_id: context.span.trace_id,
            message: record.bytes(),
        };
        let decided = self.decide(&asking, priority);
        if let Some(state) = decided {
            sampled(context, &state);
            record.sampled(&context.span);
            begun.record = Some(record);
            return;
        }
        let mut kept = None;
        let mut record = Some(record);
        if let Some(trails) = &self.engine.trails
            && let Some(trail) = trails.begin(context.span.trace_id)
            && let Some(mut record) = record.take()
        {
            record.ties(|| Ties::new(self.engine)).follow(trail, true);
            kept = Some(record);
        }
        if let Some(record) = record {
            local::recycle(record);
            if parent.span.is_valid() {
                // As for every unrecorded child: its parent's ids do for what it calls.
                context.span.span_id = parent.span.span_id;
                context.span.is_remote = parent.span.is_remote;
            }
        }
        begun.record = kept;
    }

    #[inline]
    fn decide(&self, asking: &Asking<'_>, priority: Option<Priority>) -> Option<TraceState> {
        let now = || self.engine.clock.ticks();
        let Verdict { recorded, rule } = self.engine.judge.decide(asking, priority, now);
        local::count(self.engine, asking.name, recorded.is_some(), rule.as_str());
        recorded
    }

    /// Makes the record of a span that was not sampled, where its trace may be kept all the same.
    fn trailing(
        &self,
        trace_id: TraceId,
        is_root: bool,
        record: impl FnOnce() -> Box<Record>,
    ) -> Option<Box<Record>> {
        let trails = self.engine.trails.as_ref()?;
        if is_root && self.engine.judge.is_off() {
            return None;
        }
        let trail = if is_root { trails.begin(trace_id)? } else { trails.find(trace_id)? };
        let mut record = record();
        record.ties(|| Ties::new(self.engine)).follow(trail, is_root);
        Some(record)
    }

    #[inline]
    fn record(
        &self,
        context: &Context,
        parent: Option<&SpanContext>,
        opening: Opening<'_>,
        ticks: u64,
    ) -> Box<Record> {
        let mut record = local::record(self.engine);
        record.begin(&context.span, parent, opening.name, ticks);
        if opening.kind != Kind::Internal {
            record.kind(opening.kind);
        }
        if self.scope != 0 {
            record.in_scope(self.scope);
        }
        if !self.engine.baggage_keys.is_empty() && !context.baggage.is_empty() {
            for key in &self.engine.baggage_keys {
                if let Some(value) = context.baggage.get(key) {
                    record.attribute(key, value.into());
                }
            }
        }
        if self.engine.folding.is_some() {
            let parent_id = parent.map_or(SpanId::NONE, |parent| parent.span_id);
            let cell = fold::begin(context.span.span_id, parent_id);
            record.ties(|| Ties::new(self.engine)).cell = Some(cell);
        } else if let Some(parent) = parent {
            // Its tracer may fold, even if this one does not.
            fold::known(parent);
        }
        record
    }
}

/// Says in a context that it is sampled, and by what share.
fn sampled(context: &mut Context, state: &TraceState) {
    context.span.flags = context.span.flags.with(TraceFlags::SAMPLED);
    if let Some(threshold) = state.ot("th")
        && let Ok(joined) = context.span.trace_state.with_ot("th", threshold)
    {
        context.span.trace_state = joined;
    }
}
