//! Metrics as Prometheus reads them: text, version 0.0.4.

use std::fmt::Write;

/// What the text is served as.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text while it is written. Samples of one name must follow each other.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    text: String,
    last: &'static str,
}

/// The labels of one sample.
pub(crate) type Labels<'a> = &'a [(&'static str, &'a str)];

impl Exposition {
    /// Adds a number that only grows.
    pub(crate) fn counter(&mut self, name: &'static str, help: &str, labels: Labels<'_>, value: u64) {
        self.head(name, help, "counter");
        self.sample(labels, value as f64);
    }

    /// Adds a number that goes up and down.
    pub(crate) fn gauge(&mut self, name: &'static str, help: &str, labels: Labels<'_>, value: f64) {
        self.head(name, help, "gauge");
        self.sample(labels, value);
    }

    /// Adds a number of seconds that only grows.
    pub(crate) fn seconds(&mut self, name: &'static str, help: &str, value: f64) {
        self.head(name, help, "counter");
        self.sample(&[], value);
    }

    /// Returns the text.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn head(&mut self, name: &'static str, help: &str, kind: &str) {
        if self.last != name {
            self.last = name;
            // Writing to a string cannot fail.
            let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        }
    }

    fn sample(&mut self, labels: Labels<'_>, value: f64) {
        self.text.push_str(self.last);
        for (place, (key, value)) in labels.iter().enumerate() {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.text, "{}{key}=\"{value}\"", if place == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_one_name_share_their_head() {
        let mut text = Exposition::default();
        text.counter("a_total", "Some.", &[("x", "1"), ("y", "a\"b")], 7);
        text.counter("a_total", "Some.", &[("x", "2"), ("y", "")], 8);
        text.gauge("b", "Other.", &[], 0.5);
        let expected = "# HELP a_total Some.\n# TYPE a_total counter\na_total{x=\"1\",y=\"a\\\"b\"} 7\n\
            a_total{x=\"2\",y=\"\"} 8\n# HELP b Other.\n# TYPE b gauge\nb 0.5\n";
        assert_eq!(text.finish(), expected);
    }
}
