//! Golden headers: the examples of each format's own specification, and what it says about the rest.

use std::collections::BTreeMap;

use tracewell_context::{Context, Format, Propagator, Sampling, SpanContext, TraceFlags};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn extract(format: Format, headers: &[(&str, &str)]) -> Context {
    Propagator::of(&[format]).extract(headers)
}

/// The context as one line: trace, span, flags, how binding; or `-`.
fn shown(format: Format, headers: &[(&str, &str)]) -> String {
    let Context { span, sampling, .. } = extract(format, headers);
    if !span.is_valid() {
        return if sampling == Sampling::Deferred {
            "-".into()
        } else {
            format!("- {} {sampling:?}", span.flags.bits())
        };
    }
    assert!(span.is_remote);
    format!("{} {} {} {sampling:?}", span.trace_id, span.span_id, span.flags.bits())
}

fn injected(format: Format, context: &Context) -> Vec<String> {
    let mut headers = BTreeMap::new();
    Propagator::of(&[format]).inject(context, &mut headers);
    headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

fn sampled() -> Context {
    Context::of(SpanContext::from_traceparent(&format!("00-{TRACE}-{SPAN}-01")).expect("it is valid"))
}

#[test]
fn traceparents_of_the_w3c_suite_are_judged_alike() {
    let good = format!("{TRACE} {SPAN} 1 Decided");
    for (parent, expected) in [
        (format!("00-{TRACE}-{SPAN}-01"), good.as_str()),
        (format!(" \t00-{TRACE}-{SPAN}-01\t "), &good),
        (format!("00-{TRACE}-{SPAN}-ff"), &good.replace(" 1 ", " 3 ")),
        (format!("cc-{TRACE}-{SPAN}-01"), &good),
        (format!("cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"), &good),
        (format!("cc-{TRACE}-{SPAN}-01.what-the-future-will-not-be-like"), "-"),
        (format!("00-{TRACE}-{SPAN}-01-what"), "-"),
        (format!("00-{TRACE}-{SPAN}-01-"), "-"),
        (format!("ff-{TRACE}-{SPAN}-01"), "-"),
        (format!("0-{TRACE}-{SPAN}-01"), "-"),
        (format!(".0-{TRACE}-{SPAN}-01"), "-"),
        (format!("00-{TRACE}-{SPAN}"), "-"),
        (format!("00-{TRACE}-{SPAN}-1"), "-"),
        (format!("00-{TRACE}-{SPAN}-.1"), "-"),
        (format!("00-{TRACE}-{SPAN}.01"), "-"),
        (format!("00-{}-{SPAN}-01", TRACE.to_uppercase()), "-"),
        (format!("00-{}-{SPAN}-01", "0".repeat(32)), "-"),
        (format!("00-{TRACE}-{}-01", "0".repeat(16)), "-"),
        (format!("00-.{}-{SPAN}-01", &TRACE[1..]), "-"),
        (String::new(), "-"),
    ] {
        assert_eq!(shown(Format::TraceContext, &[("traceparent", &parent)]), expected, "{parent}");
    }
}

#[test]
fn traceparent_that_comes_twice_is_none() {
    let parent = format!("00-{TRACE}-{SPAN}-01");
    assert_eq!(shown(Format::TraceContext, &[("traceparent", &parent), ("TraceParent", &parent)]), "-");
    assert_ne!(shown(Format::TraceContext, &[("TraceParent", &parent)]), "-");
    assert_eq!(shown(Format::TraceContext, &[("trace-parent", &parent)]), "-");
}

#[test]
fn tracestate_is_gathered_and_costs_only_itself() {
    let parent = format!("00-{TRACE}-{SPAN}-00");
    let state = |states: &[&str]| {
        let mut headers = vec![("traceparent", parent.as_str())];
        headers.extend(states.iter().map(|state| ("tracestate", *state)));
        extract(Format::TraceContext, &headers).span.trace_state.as_str().to_owned()
    };
    assert_eq!(state(&["foo=1", "bar=2"]), "foo=1,bar=2");
    assert_eq!(state(&["foo=1", "", "bar=2"]), "foo=1,bar=2");
    assert_eq!(state(&["foo=1,"]), "foo=1");
    assert_eq!(state(&["foo=1 \t , \t bar=2, \t baz=3"]), "foo=1,bar=2,baz=3");
    assert_eq!(state(&["foo =1"]), "");
    assert_eq!(state(&["FOO=1"]), "");
    assert_eq!(state(&["foo=1,foo=2"]), "foo=1");
    assert_eq!(
        state(&["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"]),
        "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
    );
    // Without its traceparent it is not read.
    assert_eq!(extract(Format::TraceContext, &[("tracestate", "foo=1")]), Context::default());
}

#[test]
fn b3_of_its_own_page_is_understood() {
    // https://github.com/openzipkin/b3-propagation
    let (trace, span) = ("80f198ee56343ba864fe8b2a57d3eff7", "e457b5a2e4d86bd1");
    for (text, expected) in [
        (
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90",
            format!("{trace} {span} 1 Decided"),
        ),
        (
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-05e3ac9a4f6e3b90",
            format!("{trace} {span} 0 Deferred"),
        ),
        ("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-d", format!("{trace} {span} 1 Debug")),
        ("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1", format!("{trace} {span} 0 Deferred")),
        ("64fe8b2a57d3eff7-e457b5a2e4d86bd1-0", format!("{:0>32} {span} 0 Decided", "64fe8b2a57d3eff7")),
        ("80F198EE56343BA864FE8B2A57D3EFF7-E457B5A2E4D86BD1-1", format!("{trace} {span} 1 Decided")),
        ("0", "- 0 Decided".to_owned()),
        ("d", "- 1 Debug".to_owned()),
        ("80f198ee56343ba864fe8b2a57d3eff7", "-".to_owned()),
        ("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-x", "-".to_owned()),
        ("f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1", "-".to_owned()),
        ("00000000000000000000000000000000-e457b5a2e4d86bd1-1", "-".to_owned()),
    ] {
        assert_eq!(shown(Format::B3, &[("b3", text)]), expected, "{text}");
    }
    let many = [
        ("X-B3-TraceId", "80f198ee56343ba864fe8b2a57d3eff7"),
        ("X-B3-ParentSpanId", "05e3ac9a4f6e3b90"),
        ("X-B3-SpanId", "e457b5a2e4d86bd1"),
    ];
    let with = |name, value| shown(Format::B3Multi, &[&many[..], &[(name, value)]].concat());
    assert_eq!(with("X-B3-Sampled", "1"), format!("{trace} {span} 1 Decided"));
    assert_eq!(with("X-B3-Sampled", "0"), format!("{trace} {span} 0 Decided"));
    assert_eq!(with("X-B3-Flags", "1"), format!("{trace} {span} 1 Debug"));
    assert_eq!(with("other", "1"), format!("{trace} {span} 0 Deferred"));
    // The one header wins over the many, whichever is asked for.
    assert_eq!(with("b3", &format!("{TRACE}-{SPAN}-1")), format!("{TRACE} {SPAN} 1 Decided"));
    assert_eq!(shown(Format::B3, &[("X-B3-Sampled", "0")]), "- 0 Decided");
}

#[test]
fn jaeger_of_its_own_page_is_understood() {
    // https://www.jaegertracing.io/docs/1.76/sdk-migration/#propagation-format
    for (text, expected) in [
        (format!("{TRACE}:{SPAN}:0:1"), format!("{TRACE} {SPAN} 1 Decided")),
        (format!("{TRACE}:{SPAN}:{SPAN}:0"), format!("{TRACE} {SPAN} 0 Decided")),
        (format!("{TRACE}:{SPAN}:0:3"), format!("{TRACE} {SPAN} 1 Debug")),
        (format!("{TRACE}%3A{SPAN}%3a0%3A01"), format!("{TRACE} {SPAN} 1 Decided")),
        ("abc:F:0:9".into(), format!("{:0>32} {:0>16} 1 Decided", "abc", "f")),
        (format!("{TRACE}:{SPAN}:0"), "-".into()),
        (format!("{TRACE}:{SPAN}:0:1:1"), "-".into()),
        (format!("{TRACE}:{SPAN}:0:100"), "-".into()),
        (format!("{TRACE}0:{SPAN}:0:1"), "-".into()),
        (format!("0:{SPAN}:0:1"), "-".into()),
        (format!("{TRACE}:0:0:1"), "-".into()),
        (format!("{TRACE}:{SPAN}:{}:1", "0".repeat(5000)), "-".into()),
    ] {
        assert_eq!(shown(Format::Jaeger, &[("uber-trace-id", &text)]), expected, "{text}");
    }
    let headers =
        [("Uberctx-User", "Am%C3%A9lie"), ("uberctx-", "x"), ("jaeger-baggage", "a=1, b=2"), ("uber", "")];
    assert_eq!(extract(Format::Jaeger, &headers).baggage.header(), "a=1,b=2,User=Am%C3%A9lie");
}

#[test]
fn xray_of_its_own_page_is_understood() {
    // https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    let expected = "5759e988bd862e3fe1be46a994272793 53995c3f42cd8ad8 1 Decided";
    for (text, expected) in [
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", expected),
        (
            "Sampled=1; Parent=53995c3f42cd8ad8; Self=1-67891234-def; root=1-5759e988-bd862e3fe1be46a994272793",
            expected,
        ),
        (
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=?;Lineage=a87bd80c:1|68fd508a:5",
            "5759e988bd862e3fe1be46a994272793 53995c3f42cd8ad8 0 Deferred",
        ),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "-"),
        ("Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8", "-"),
        ("Root=1-5759e988-bd862e3fe1be46a99427279;Parent=53995c3f42cd8ad8", "-"),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8a", "-"),
        ("", "-"),
    ] {
        assert_eq!(shown(Format::XRay, &[("X-Amzn-Trace-Id", text)]), expected, "{text}");
    }
}

#[test]
fn opentracing_headers_are_understood() {
    let ids = [("ot-tracer-traceid", "8448eb211c80319c"), ("ot-tracer-spanid", SPAN)];
    let with = |value| shown(Format::OtTrace, &[&ids[..], &[("ot-tracer-sampled", value)]].concat());
    let trace = format!("{:0>32}", "8448eb211c80319c");
    assert_eq!(with("true"), format!("{trace} {SPAN} 1 Decided"));
    assert_eq!(with("false"), format!("{trace} {SPAN} 0 Decided"));
    assert_eq!(shown(Format::OtTrace, &ids), format!("{trace} {SPAN} 0 Deferred"));
    assert_eq!(shown(Format::OtTrace, &ids[..1]), "-");
    assert_eq!(extract(Format::OtTrace, &[("ot-baggage-user", "alice")]).baggage.get("user"), Some("alice"));
}

#[test]
fn every_format_is_written_to_the_letter() {
    let mut context = sampled().with_baggage("user", "Amélie A").unwrap();
    context.span.trace_state = context.span.trace_state.with_ot("th", "c").unwrap();
    let expected: [(Format, &[&str]); 7] = [
        (
            Format::TraceContext,
            &["traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate: ot=th:c"],
        ),
        (Format::Baggage, &["baggage: user=Am%C3%A9lie%20A"]),
        (Format::B3, &["b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1"]),
        (
            Format::B3Multi,
            &[
                "x-b3-sampled: 1",
                "x-b3-spanid: b7ad6b7169203331",
                "x-b3-traceid: 0af7651916cd43dd8448eb211c80319c",
            ],
        ),
        (
            Format::Jaeger,
            &[
                "uber-trace-id: 0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:1",
                "uberctx-user: Am%C3%A9lie%20A",
            ],
        ),
        (
            Format::XRay,
            &["x-amzn-trace-id: Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"],
        ),
        (
            Format::OtTrace,
            &[
                "ot-baggage-user: Am%C3%A9lie%20A",
                "ot-tracer-sampled: true",
                "ot-tracer-spanid: b7ad6b7169203331",
                "ot-tracer-traceid: 8448eb211c80319c",
            ],
        ),
    ];
    for (format, headers) in expected {
        assert_eq!(injected(format, &context), headers, "{format:?}");
        assert!(injected(format, &Context::default()).is_empty(), "{format:?}");
    }
}

#[test]
fn later_formats_win_and_baggage_is_gathered() {
    let propagator = Propagator::from_names("jaeger,tracecontext,baggage").0;
    let headers = [
        ("uber-trace-id", "abc:f:0:1".to_owned()),
        ("uberctx-a", "1".to_owned()),
        ("traceparent", format!("00-{TRACE}-{SPAN}-00")),
        ("baggage", "b=2".to_owned()),
    ];
    let context = propagator.extract(&headers);
    assert_eq!(context.span.trace_id.to_string(), TRACE);
    assert_eq!(context.baggage.header(), "a=1,b=2");
    // What the later one cannot read, it does not replace.
    let context = propagator.extract(&headers[..2]);
    assert_eq!(context.span.trace_id.low(), 0xabc);
}

#[test]
fn formats_that_name_one_call_are_put_together() {
    let mut context = sampled();
    context.span.flags = context.span.flags.with(TraceFlags::RANDOM);
    context.span.trace_state = context.span.trace_state.with("a", "1").unwrap();
    context.span.is_remote = true;
    context.sampling = Sampling::Debug;
    for order in [Format::ALL.to_vec(), Format::ALL.into_iter().rev().collect()] {
        let propagator = Propagator::of(&order);
        let mut headers = BTreeMap::new();
        propagator.inject(&context, &mut headers);
        assert_eq!(propagator.extract(&headers), context);
    }
}

#[test]
fn headers_may_be_bytes_that_are_no_text() {
    let headers: [(&str, &[u8]); 3] =
        [("baggage", b"a=\xff,b=1"), ("tracestate", b"\xff=1"), ("traceparent", b"\xff\xfe")];
    let context = Propagator::default().extract(&headers);
    assert_eq!(context.baggage.get("b"), Some("1"));
    assert!(!context.span.is_valid());
}
