//! Carriers: whatever holds headers. Two small traits, and the maps and lists that most people have.
//!
//! Reading is by bytes, because the headers of Kafka and AMQP are bytes and those of HTTP may be. Names
//! are compared without regard to case, so a map of strings works like HTTP's own.

mod environment;
#[cfg(feature = "http")]
mod http;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

pub use environment::Environment;

/// Whatever headers can be read from.
///
/// ```
/// use tracewell_context::{Extract, Propagator};
///
/// /// Headers of a message queue.
/// struct Message<'a>(&'a [(&'a str, &'a [u8])]);
///
/// impl Extract for Message<'_> {
///     fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
///         self.0.iter().for_each(|(name, value)| visit(name, value));
///     }
/// }
///
/// let message = Message(&[("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]);
/// assert!(Propagator::default().extract(&message).span.is_valid());
/// ```
pub trait Extract {
    /// Shows every header, in order; of a name that comes several times each value.
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8]));

    /// Shows the values of one name, in order. The name is lower case, the carrier's may be of any.
    /// Worth its own implementation where the carrier finds a name faster than by looking at all.
    fn values<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        self.each(&mut |other, value| {
            if other.eq_ignore_ascii_case(name) {
                visit(value);
            }
        });
    }
}

/// Whatever headers can be written to.
///
/// Any `FnMut(&str, &str)` is one:
///
/// ```
/// use tracewell_context::{Context, Propagator, SpanContext};
///
/// let span = SpanContext::from_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?;
/// let mut lines = String::new();
/// Propagator::default().inject(&Context::of(span), &mut |name: &str, value: &str| {
///     lines.push_str(&format!("{name}: {value}\r\n"));
/// });
/// assert_eq!(lines, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
/// # Ok::<(), tracewell_context::ContextError>(())
/// ```
pub trait Inject {
    /// Sets a header in place of what stood under that name. The name is a lower-case token, unless it
    /// carries a baggage key that is none; the value is visible ASCII with inner blanks.
    fn set(&mut self, name: &str, value: &str);
}

impl<F: FnMut(&str, &str)> Inject for F {
    fn set(&mut self, name: &str, value: &str) {
        self(name, value);
    }
}

impl<S: BuildHasher> Inject for HashMap<String, String, S> {
    fn set(&mut self, name: &str, value: &str) {
        self.insert(name.to_owned(), value.to_owned());
    }
}

impl Inject for BTreeMap<String, String> {
    fn set(&mut self, name: &str, value: &str) {
        self.insert(name.to_owned(), value.to_owned());
    }
}

impl<K, V> Inject for Vec<(K, V)>
where
    K: AsRef<str> + for<'a> From<&'a str>,
    V: for<'a> From<&'a str>,
{
    fn set(&mut self, name: &str, value: &str) {
        self.retain(|(other, _)| !other.as_ref().eq_ignore_ascii_case(name));
        self.push((name.into(), value.into()));
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>, S: BuildHasher> Extract for HashMap<K, V, S> {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.iter().for_each(|(name, value)| visit(name.as_ref(), value.as_ref()));
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>> Extract for BTreeMap<K, V> {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.iter().for_each(|(name, value)| visit(name.as_ref(), value.as_ref()));
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>> Extract for [(K, V)] {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.iter().for_each(|(name, value)| visit(name.as_ref(), value.as_ref()));
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>> Extract for Vec<(K, V)> {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.as_slice().each(visit);
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>, const N: usize> Extract for [(K, V); N] {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.as_slice().each(visit);
    }
}

/// The value of a name, if it comes once.
pub(crate) fn sole<'a>(carrier: &'a (impl Extract + ?Sized), name: &str) -> Option<&'a [u8]> {
    let (mut sole, mut count) = (None, 0);
    carrier.values(name, &mut |value| {
        sole = Some(value);
        count += 1;
    });
    sole.filter(|_| count == 1)
}

/// The first value of a name.
pub(crate) fn first<'a>(carrier: &'a (impl Extract + ?Sized), name: &str) -> Option<&'a [u8]> {
    let mut first = None;
    carrier.values(name, &mut |value| {
        first.get_or_insert(value);
    });
    first
}

/// The values of a name joined by commas, those that fit into `bytes_max`.
pub(crate) fn joined<'a>(
    carrier: &'a (impl Extract + ?Sized),
    name: &str,
    bytes_max: usize,
) -> Option<Cow<'a, [u8]>> {
    let mut joined: Option<Cow<'a, [u8]>> = None;
    carrier.values(name, &mut |value| match &mut joined {
        None => joined = Some(Cow::Borrowed(value)),
        Some(earlier) if earlier.len() + value.len() < bytes_max => {
            let earlier = earlier.to_mut();
            earlier.push(b',');
            earlier.extend_from_slice(value);
        }
        Some(_) => {}
    });
    joined
}
