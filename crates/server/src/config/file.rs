//! The configuration file: YAML, flattened to keys with their lines.

use super::error::ConfigError;
use super::nearest::nearest;
use super::node::{Node, Placed};
use super::{Given, SETTINGS, Setting, jaeger_file};

/// Reads the file's settings. Everything wrong goes into `errors`.
pub(super) fn read(name: &str, text: &str, errors: &mut Vec<ConfigError>) -> Vec<Given> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let root: Placed = match serde_saphyr::from_str(text) {
        Ok(root) => root,
        Err(error) => {
            // The parser draws the place, too; the line and the column are enough.
            let said = error.to_string();
            let why = said.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            errors.push(ConfigError::Yaml { name: name.to_owned(), why });
            return Vec::new();
        }
    };
    let entries = match root.value {
        Node::Map(entries) => entries,
        Node::Nothing => return Vec::new(),
        _ => {
            let why = "a configuration is a map of settings".to_owned();
            errors.push(ConfigError::Yaml { name: name.to_owned(), why });
            return Vec::new();
        }
    };
    if jaeger_file::is_jaegers(&entries) {
        let answer = jaeger_file::answer(&entries);
        errors.push(ConfigError::Jaeger { name: name.to_owned(), answer });
        return Vec::new();
    }
    let mut reading = Reading { name, errors, given: Vec::new() };
    for (key, node) in &entries {
        reading.visit(key, node);
    }
    reading.given
}

struct Reading<'a> {
    name: &'a str,
    errors: &'a mut Vec<ConfigError>,
    given: Vec<Given>,
}

impl Reading<'_> {
    fn visit(&mut self, path: &str, node: &Placed) {
        let from = format!("{}:{}: {path}", self.name, node.referenced.line());
        let setting = Setting::of_key(path);
        match (&node.value, setting) {
            (Node::Nothing, _) => {}
            (Node::Map(entries), None) if is_group(path) => {
                for (key, node) in entries {
                    self.visit(&format!("{path}.{key}"), node);
                }
            }
            (Node::Scalar(value), Some(setting)) => {
                self.given.push(Given { key: setting.key, value: value.clone(), from });
            }
            (Node::List(items), Some(setting)) => match scalars(items) {
                Some(value) => self.given.push(Given { key: setting.key, value, from }),
                None => self.errors.push(ConfigError::Shape { from, why: "a list of plain values is meant" }),
            },
            (Node::Map(_), Some(_)) => {
                self.errors.push(ConfigError::Shape { from, why: "one value is meant, not a map" });
            }
            (_, None) if is_group(path) => {
                self.errors.push(ConfigError::Shape { from, why: "a map of settings is meant" });
            }
            (_, None) => {
                let nearest = nearest(path, SETTINGS.iter().map(|setting| setting.key)).to_owned();
                self.errors.push(ConfigError::Unknown { from, nearest });
            }
        }
    }
}

fn is_group(path: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

fn scalars(items: &[Placed]) -> Option<String> {
    let items: Option<Vec<&str>> = items
        .iter()
        .map(|item| match &item.value {
            Node::Scalar(value) => Some(value.as_str()),
            _ => None,
        })
        .collect();
    Some(items?.join(","))
}
