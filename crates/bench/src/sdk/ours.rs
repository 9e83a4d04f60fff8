//! Our kit: the direct API, the subscriber, and the layer.

use std::time::Duration;

use tracewell_tracer::export::{Accepted, Export, ExportError, Request};
use tracewell_tracer::subscriber::TraceLayer;
use tracewell_tracer::{Guard, Sampler, Sampling, TraceSubscriber, TracerBuilder, span};
use tracing_subscriber::layer::SubscriberExt as _;

use super::kit::{Kit, Mode};
use super::shape::{Shape, charge_error};
use super::sink::Sink;

const PATIENCE: Duration = Duration::from_secs(60);

struct ToSink(Sink);

impl Export for ToSink {
    fn export(&mut self, request: Request<'_>) -> Result<Accepted, ExportError> {
        self.0.take(request.body.to_vec());
        Ok(Accepted::default())
    }

    fn describe(&self) -> String {
        "sink".to_owned()
    }
}

pub(super) fn kit(name: &str, mode: Mode, sink: &Sink) -> anyhow::Result<Box<dyn Kit>> {
    let root = if mode == Mode::SampledOut { Sampler::Ratio(0.0) } else { Sampler::AlwaysOn };
    let guard = match mode {
        Mode::Off => None,
        _ => {
            let sampling = Sampling { root, ..Sampling::default() };
            let builder = TracerBuilder::default().resource("service.name", "bench").sampling(sampling);
            Some(builder.start(ToSink(sink.clone()))?)
        }
    };
    if let Some(guard) = &guard {
        guard.tracer().install();
        let tracer = guard.tracer().clone();
        match name {
            "tracing" => tracing::subscriber::set_global_default(TraceSubscriber::new(tracer))?,
            "layer" => {
                let registry = tracing_subscriber::registry().with(TraceLayer::new(tracer));
                tracing::subscriber::set_global_default(registry)?;
            }
            _ => {}
        }
    }
    if name == "direct" { Ok(Box::new(Direct(guard))) } else { Ok(Box::new(Tracing(guard))) }
}

struct Direct(Option<Guard>);

impl Kit for Direct {
    fn record(&mut self, shape: Shape, spans: usize) {
        match shape {
            Shape::Flat => (0..spans).for_each(|number| {
                let span = span("flat").attr("user", "ada").attr("number", number).start();
                let _inside = span.enter();
            }),
            Shape::Tree => (0..spans / Shape::TREE).for_each(|number| {
                let mut root = span("root").start();
                if root.is_recording() {
                    root.attr("s1", "one").attr("s2", "two").attr("s3", "three").attr("s4", "four");
                    root.attr("s5", "five").attr("i1", 1).attr("i2", 2).attr("i3", number);
                    root.attr("b1", true).attr("f1", 0.5);
                    root.event("half done", &[("step", 1.into())]);
                }
                let _inside = root.enter();
                for _ in 1..Shape::TREE {
                    let child = span("child").attr("user", "ada").attr("number", number).start();
                    let _inside = child.enter();
                }
            }),
            Shape::Error => {
                let error = charge_error();
                for number in 0..spans {
                    let mut span = span("error").attr("user", "ada").attr("number", number).start();
                    span.record_error(&error);
                }
            }
        }
    }

    fn flush(&mut self) {
        if let Some(guard) = &self.0 {
            assert!(guard.flush(PATIENCE), "a sink takes everything");
        }
    }
}

struct Tracing(Option<Guard>);

impl Kit for Tracing {
    fn record(&mut self, shape: Shape, spans: usize) {
        through_tracing(shape, spans);
    }

    fn flush(&mut self) {
        if let Some(guard) = &self.0 {
            assert!(guard.flush(PATIENCE), "a sink takes everything");
        }
    }
}

/// Records with the macros of `tracing`, for whoever listens.
pub(super) fn through_tracing(shape: Shape, spans: usize) {
    use tracing::{info, info_span};
    match shape {
        Shape::Flat => (0..spans).for_each(|number| {
            let span = info_span!("flat", user = "ada", number);
            let _inside = span.enter();
        }),
        Shape::Tree => (0..spans / Shape::TREE).for_each(|number| {
            let root = info_span!(
                "root",
                s1 = "one",
                s2 = "two",
                s3 = "three",
                s4 = "four",
                s5 = "five",
                i1 = 1,
                i2 = 2,
                i3 = number,
                b1 = true,
                f1 = 0.5
            );
            let _inside = root.enter();
            info!(step = 1, "half done");
            for _ in 1..Shape::TREE {
                let child = info_span!("child", user = "ada", number);
                let _inside = child.enter();
            }
        }),
        Shape::Error => {
            let error = charge_error();
            for number in 0..spans {
                let span = info_span!("error", user = "ada", number);
                let _inside = span.enter();
                tracing::error!(error = &error as &dyn std::error::Error);
            }
        }
    }
}
