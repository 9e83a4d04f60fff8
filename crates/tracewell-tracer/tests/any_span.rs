//! Whatever is recorded, in whatever order: the server's decoder finds the same.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use tracewell_tracer::export::{Accepted, Export, ExportError, Request};
use tracewell_tracer::{TracerBuilder, Value};

struct Keep(std::sync::mpsc::SyncSender<Vec<u8>>);

impl Export for Keep {
    fn export(&mut self, request: Request<'_>) -> Result<Accepted, ExportError> {
        self.0.send(request.body.to_vec()).expect("somebody waits");
        Ok(Accepted::default())
    }

    fn describe(&self) -> String {
        "test".to_owned()
    }
}

#[derive(Clone, Debug)]
enum Act {
    Text(String, String),
    Int(String, i64),
    Made(String, String),
    Bytes(String, Vec<u8>),
    Event(String, Vec<(String, i64)>),
    Rename(String),
}

fn act() -> impl Strategy<Value = Act> {
    // Few keys, so that they repeat; long texts, so that lengths need one, two and three bytes.
    let key = "[a-c]{1,2}|[a-z.é]{100,200}";
    let text = prop_oneof!["\\PC{0,20}", "[a-zé]{100,300}", Just("x".repeat(20_000))];
    prop_oneof![
        (key, text.clone()).prop_map(|(key, text)| Act::Text(key, text)),
        (key, any::<i64>()).prop_map(|(key, number)| Act::Int(key, number)),
        (key, text.clone()).prop_map(|(key, text)| Act::Made(key, text)),
        (key, prop::collection::vec(any::<u8>(), 0..200)).prop_map(|(key, bytes)| Act::Bytes(key, bytes)),
        (text.clone(), prop::collection::vec((key, any::<i64>()), 0..9))
            .prop_map(|(name, with)| { Act::Event(name, with) }),
        text.prop_map(Act::Rename),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_recorded_is_decoded(acts in prop::collection::vec(act(), 0..40)) {
        let (sender, receiver) = std::sync::mpsc::sync_channel(4);
        let limits = tracewell_tracer::Limits { value_chars: 300, ..Default::default() };
        let guard = TracerBuilder::default().limits(limits).start(Keep(sender)).unwrap();
        let mut span = guard.tracer().span("first").start();
        let mut name = "first".to_owned();
        let mut attributes: HashMap<String, Vec<u8>> = HashMap::new();
        let mut events = Vec::new();
        let cut = |text: &str| text.chars().take(300).collect::<String>();
        for act in &acts {
            match act {
                Act::Text(key, text) => {
                    span.attr(key, text);
                    attributes.insert(key.clone(), cut(text).into_bytes());
                }
                Act::Int(key, number) => {
                    span.attr(key, *number);
                    attributes.insert(key.clone(), number.to_string().into_bytes());
                }
                Act::Made(key, text) => {
                    span.attr(key, Value::Display(&format_args!("<{text}>")));
                    attributes.insert(key.clone(), cut(&format!("<{text}>")).into_bytes());
                }
                Act::Bytes(key, bytes) => {
                    span.attr(key, bytes.as_slice());
                    attributes.insert(key.clone(), bytes.clone());
                }
                Act::Event(name, with) => {
                    let with: Vec<_> = with.iter().map(|(key, n)| (key.as_str(), Value::Int(*n))).collect();
                    span.event(name, &with);
                    events.push((name.clone(), with.len()));
                }
                Act::Rename(to) => {
                    span.rename(to);
                    name.clone_from(to);
                }
            }
        }
        drop(span);
        prop_assert!(guard.shutdown(Duration::from_secs(20)));
        let decoded = wire::otlp::decode_proto(receiver.recv().unwrap().into()).unwrap();
        prop_assert_eq!((decoded.batch.len(), decoded.rejected), (1, 0));
        let span = decoded.batch.span(0);
        let short = |text: &str| {
            let end = (0..=text.len().min(1024)).rev().find(|end| text.is_char_boundary(*end)).unwrap();
            text.as_bytes()[..end].to_vec()
        };
        prop_assert_eq!(span.name(), short(&name));
        prop_assert_eq!(span.attributes().len(), attributes.len());
        for (key, value) in span.attributes() {
            let found = match value {
                span::ValueRef::Str(text) => text.to_vec(),
                span::ValueRef::Int(number) => number.to_string().into_bytes(),
                span::ValueRef::Bytes(bytes) => bytes.to_vec(),
                other => panic!("{other:?}"),
            };
            let key = String::from_utf8(key.to_vec()).unwrap();
            prop_assert_eq!(Some(&found), attributes.get(&key), "{}", key);
        }
        let found: Vec<_> = span.events().map(|event| (event.name().to_vec(), event.attributes().len())).collect();
        let said: Vec<_> = events.iter().map(|(name, with)| (short(name), *with)).collect();
        prop_assert_eq!(found, said);
    }
}
