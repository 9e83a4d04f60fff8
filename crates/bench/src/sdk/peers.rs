//! The kits that people use today, with exporters that stop where ours does: at OTLP bytes.

use std::time::Duration;

use anyhow::Context as _;
use fastrace::collector::Config;
use fastrace::prelude::{LocalSpan, Span, SpanContext};
use fastrace_opentelemetry::OpenTelemetryReporter;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter,
};
use prost::Message as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::kit::{Kit, Mode};
use super::ours::through_tracing;
use super::shape::{Shape, charge_error};
use super::sink::Sink;

#[derive(Debug)]
struct ToSink(Sink);

impl SpanExporter for ToSink {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let resource = Resource::builder().with_service_name("bench").build();
        let resource = ResourceAttributesWithSchema::from(&resource);
        let resource_spans = group_spans_by_resource_and_scope(batch, &resource);
        self.0.take(ExportTraceServiceRequest { resource_spans }.encode_to_vec());
        Ok(())
    }
}

pub(super) fn kit(name: &str, mode: Mode, sink: &Sink) -> anyhow::Result<Box<dyn Kit>> {
    if name == "fastrace" {
        if mode != Mode::Off {
            let scope = InstrumentationScope::builder("bench").build();
            let resource =
                Resource::builder().with_attributes([KeyValue::new("service.name", "bench")]).build();
            let reporter =
                OpenTelemetryReporter::new(ToSink(sink.clone()), std::borrow::Cow::Owned(resource), scope);
            let config = Config::default().report_interval(Duration::from_secs(3600));
            fastrace::set_reporter(reporter, config);
        }
        return Ok(Box::new(Fastrace(mode)));
    }
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(100_000)
        .with_scheduled_delay(Duration::from_secs(3600))
        .build();
    let processor = BatchSpanProcessor::builder(ToSink(sink.clone())).with_batch_config(config).build();
    let sampler = if mode == Mode::On { Sampler::AlwaysOn } else { Sampler::TraceIdRatioBased(0.0) };
    let sampler = Sampler::ParentBased(Box::new(sampler));
    let provider = SdkTracerProvider::builder().with_span_processor(processor).with_sampler(sampler).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))
        .context("this process has one kit")?;
    Ok(Box::new(TracingOpentelemetry(provider)))
}

struct TracingOpentelemetry(SdkTracerProvider);

impl Kit for TracingOpentelemetry {
    fn record(&mut self, shape: Shape, spans: usize) {
        through_tracing(shape, spans);
    }

    fn flush(&mut self) {
        self.0.force_flush().expect("a sink takes everything");
    }
}

struct Fastrace(Mode);

impl Fastrace {
    fn root(&self, name: &'static str) -> Span {
        Span::root(name, SpanContext::random().sampled(self.0 == Mode::On))
    }
}

impl Kit for Fastrace {
    fn record(&mut self, shape: Shape, spans: usize) {
        match shape {
            Shape::Flat => (0..spans).for_each(|number| {
                let root = self.root("flat");
                root.add_properties(|| [("user", "ada".to_owned()), ("number", number.to_string())]);
                let _inside = root.set_local_parent();
            }),
            Shape::Tree => (0..spans / Shape::TREE).for_each(|number| {
                let root = self.root("root");
                root.add_properties(|| {
                    [
                        ("s1", "one".to_owned()),
                        ("s2", "two".to_owned()),
                        ("s3", "three".to_owned()),
                        ("s4", "four".to_owned()),
                        ("s5", "five".to_owned()),
                        ("i1", "1".to_owned()),
                        ("i2", "2".to_owned()),
                        ("i3", number.to_string()),
                        ("b1", "true".to_owned()),
                        ("f1", "0.5".to_owned()),
                    ]
                });
                root.add_event(fastrace::Event::new("half done").with_property(|| ("step", "1")));
                let _inside = root.set_local_parent();
                for _ in 1..Shape::TREE {
                    let _child = LocalSpan::enter_with_local_parent("child")
                        .with_properties(|| [("user", "ada".to_owned()), ("number", number.to_string())]);
                }
            }),
            Shape::Error => {
                let error = charge_error();
                for number in 0..spans {
                    let root = self.root("error");
                    root.add_properties(|| [("user", "ada".to_owned()), ("number", number.to_string())]);
                    root.add_event(
                        fastrace::Event::new("exception")
                            .with_property(|| ("exception.message", error.to_string())),
                    );
                }
            }
        }
    }

    fn flush(&mut self) {
        fastrace::flush();
    }
}
