//! The SDK: whatever is said about spans, the server's decoder reads what was written.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tracewell_tracer::context::{Context, SpanContext};
use tracewell_tracer::export::{Accepted, Export, ExportError, Request};
use tracewell_tracer::{Guard, Kind, Limits, Span, SpanStatus, TracerBuilder, Value};

/// Spans that are open at once.
const OPEN_MAX: usize = 8;

struct Keep(SyncSender<Vec<u8>>);

impl Export for Keep {
    fn export(&mut self, request: Request<'_>) -> Result<Accepted, ExportError> {
        self.0.send(request.body.to_vec()).expect("somebody waits");
        Ok(Accepted::default())
    }

    fn describe(&self) -> String {
        "fuzz".to_owned()
    }
}

thread_local! {
    /// A thread for each input would cost more than what is looked at.
    static TRACER: (Guard, RefCell<Receiver<Vec<u8>>>) = {
        let (sender, receiver) = sync_channel(64);
        let limits = Limits { attributes: 20, events: 9, links: 9, attributes_per_event: 5, value_chars: 400 };
        let guard = TracerBuilder::default().limits(limits).start(Keep(sender)).expect("a thread");
        (guard, RefCell::new(receiver))
    };
}

/// Acts on spans, one byte each, with what follows as their texts and numbers.
pub fn acts(data: &[u8]) {
    TRACER.with(|(guard, receiver)| {
        let spans = act(guard, &mut Said(data));
        assert!(guard.flush(Duration::from_secs(60)));
        let mut arrived = 0;
        for body in receiver.borrow().try_iter() {
            let decoded = wire::otlp::decode_proto(body.into()).expect("we wrote it");
            assert_eq!((decoded.rejected, &decoded.reason), (0, &None));
            for span in decoded.batch.spans() {
                assert!(span.attributes().len() <= 20 && span.events().len() <= 9 && span.links().len() <= 9);
            }
            arrived += decoded.batch.len();
        }
        assert_eq!(arrived, spans);
    });
}

fn act(guard: &Guard, said: &mut Said<'_>) -> usize {
    let other = SpanContext::from_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .expect("it is one");
    let mut open: Vec<Span> = Vec::new();
    let mut spans = 0;
    while let Some(what) = said.byte() {
        if open.is_empty() || what % 16 == 0 && open.len() < OPEN_MAX {
            let root = Context::default();
            let parent = open.last().map_or(&root, Span::context).clone();
            open.push(guard.tracer().span(said.text()).parent(&parent).start());
            spans += 1;
            continue;
        }
        let at = usize::from(what >> 4) % open.len();
        let span = &mut open[at];
        match what % 16 {
            1 => drop(open.remove(at)),
            2 | 3 => _ = span.attr(said.text(), said.text()),
            4 => _ = span.attr(said.text(), said.number()),
            5 => _ = span.attr(said.text(), f64::from_bits(said.number() as u64)),
            6 => _ = span.attr(said.text(), said.text().as_bytes()),
            7 => _ = span.attr(said.text(), Value::Display(&format_args!("{}|{}", said.text(), said.text()))),
            8 => nested(said, span),
            9 => _ = span.event(said.text(), &[(said.text(), said.text().into()), (said.text(), 1.into())]),
            10 => _ = span.link(&other, &[(said.text(), said.text().into())]),
            11 => _ = span.rename(said.text()),
            12 => _ = span.status(SpanStatus::Error, said.text()),
            13 => _ = span.record_failure(said.text(), said.text()),
            14 => _ = span.kind(Kind::Client),
            _ => {
                _ = span
                    .attr("large", said.text().repeat(said.number().unsigned_abs() as usize % 3_000).as_str())
            }
        }
    }
    spans
}

fn nested(said: &mut Said<'_>, span: &mut Span) {
    let (key, text, number) = (said.text(), said.text(), said.number());
    let inner = [Value::Int(number), Value::Str(text), Value::Bool(true)];
    let entries = [(text, Value::List(&inner)), (key, Value::Debug(&number))];
    let list = [Value::Map(&entries), Value::Strs(&["a", "b"]), Value::List(&[])];
    span.attr(key, list.as_slice());
}

/// What the input says.
struct Said<'a>(&'a [u8]);

impl<'a> Said<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn text(&mut self) -> &'a str {
        let length = usize::from(self.byte().unwrap_or_default()).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        let valid = match std::str::from_utf8(text) {
            Ok(text) => return text,
            Err(broken) => broken.valid_up_to(),
        };
        std::str::from_utf8(&text[..valid]).unwrap_or_default()
    }

    fn number(&mut self) -> i64 {
        let mut bytes = [0; 8];
        let length = usize::from(self.byte().unwrap_or_default() % 9).min(self.0.len());
        let (digits, rest) = self.0.split_at(length);
        bytes[..length].copy_from_slice(digits);
        self.0 = rest;
        i64::from_le_bytes(bytes)
    }
}
