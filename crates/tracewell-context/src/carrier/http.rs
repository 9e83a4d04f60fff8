//! HTTP's own headers.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Extract, Inject};

impl Extract for HeaderMap {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.iter().for_each(|(name, value)| visit(name.as_str(), value.as_bytes()));
    }

    fn values<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        self.get_all(name).iter().for_each(|value| visit(value.as_bytes()));
    }
}

impl Inject for HeaderMap {
    /// Leaves out what HTTP does not allow, as a baggage key may be.
    fn set(&mut self, name: &str, value: &str) {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            self.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Propagator;

    #[test]
    fn repeated_headers_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        for (name, value) in
            [("tracestate", "a=1"), ("tracestate", "b=2"), ("baggage", "c=3"), ("baggage", "d=4")]
        {
            headers.append(name, value.parse().unwrap());
        }
        let context = Propagator::default().extract(&headers);
        assert_eq!(context.span.trace_state.as_str(), "a=1,b=2");
        assert_eq!(context.baggage.header(), "c=3,d=4");
        let mut again = HeaderMap::new();
        Propagator::default().inject(&context, &mut again);
        assert_eq!(again["tracestate"], "a=1,b=2");
    }
}
