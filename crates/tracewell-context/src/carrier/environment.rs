//! The environment of a child process as a carrier: `TRACEPARENT`, `TRACESTATE`, `BAGGAGE`.
//!
//! Names are written in capitals with underscores for whatever a variable cannot have, as OpenTelemetry's
//! carriers in the environment do. Nothing here reads or sets a variable: the caller gives the map.

use super::{Extract, Inject};

/// A map of environment variables as a carrier.
///
/// ```
/// use std::collections::BTreeMap;
/// use tracewell_context::{Context, Environment, Propagator, SpanContext};
///
/// let span = SpanContext::from_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?;
/// let mut variables = BTreeMap::new();
/// Propagator::default().inject(&Context::of(span), &mut Environment(&mut variables));
/// assert!(variables.contains_key("TRACEPARENT"));
///
/// let context = Propagator::default().extract(&Environment(&variables));
/// assert!(context.span.is_valid());
/// # Ok::<(), tracewell_context::ContextError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Environment<C>(
    /// The variables.
    pub C,
);

impl<C: Inject> Inject for Environment<&mut C> {
    fn set(&mut self, name: &str, value: &str) {
        let name: String = name.chars().map(as_variable).collect();
        self.0.set(&name, value);
    }
}

impl<C: Extract + ?Sized> Extract for Environment<&C> {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.0.each(visit);
    }

    fn values<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        self.0.each(&mut |variable, value| {
            if variable.chars().eq(name.chars().map(as_variable)) {
                visit(value);
            }
        });
    }
}

fn as_variable(letter: char) -> char {
    if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Context, Format, Propagator, SpanContext};

    #[test]
    fn variables_carry_what_headers_do() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let mut context = Context::of(SpanContext::from_traceparent(parent).unwrap());
        context = context.with_baggage("tenant", "acme").unwrap();
        for format in [Format::TraceContext, Format::B3, Format::B3Multi, Format::XRay] {
            let propagator = Propagator::of(&[format, Format::Baggage]);
            let mut variables = BTreeMap::new();
            propagator.inject(&context, &mut Environment(&mut variables));
            assert!(
                variables
                    .keys()
                    .all(|name| !name.contains(|letter: char| letter.is_lowercase() || letter == '-'))
            );
            assert_eq!(propagator.extract(&Environment(&variables)), context);
        }
    }
}
