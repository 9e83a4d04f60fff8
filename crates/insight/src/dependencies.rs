//! Who calls whom: parent spans' services to child spans' services, counted over traces.
//!
//! Calls inside one service are edges too. Names are interned, so that the fold's memory grows with the
//! services and the edges between them, never with the traces.

use hashbrown::HashMap;
use span::{SpanRef, Trace};

use crate::Tree;

/// Calls between services, folded trace by trace.
#[derive(Clone, Debug, Default)]
pub struct Dependencies {
    places: HashMap<String, u32, foldhash::fast::RandomState>,
    calls: HashMap<(u32, u32), u64, foldhash::fast::RandomState>,
    name_bytes: usize,
}

/// Calls from one service to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge<'a> {
    /// The calling service.
    pub parent: &'a str,
    /// The called service.
    pub child: &'a str,
    /// How often.
    pub calls: u64,
}

impl Dependencies {
    /// Starts without any call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the calls of one trace, one for each span that has a parent.
    pub fn add(&mut self, trace: &Trace, tree: &Tree) {
        // Resources are few and spans are many: each resource is looked up once.
        let mut of_resource: Vec<Option<u32>> = vec![None; trace.batch().resource_rows().len()];
        for row in 0..tree.len() {
            let Some(parent) = tree.parent(row) else { continue };
            let mut place = |span: SpanRef<'_>| match of_resource[span.row().resource as usize] {
                Some(place) => place,
                None => {
                    let place = self.place(span.resource().service());
                    of_resource[span.row().resource as usize] = Some(place);
                    place
                }
            };
            let edge = (place(trace.batch().span(parent)), place(trace.batch().span(row)));
            *self.calls.entry(edge).or_default() += 1;
        }
    }

    /// Returns all edges, by parent and child.
    pub fn edges(&self) -> Vec<Edge<'_>> {
        let mut names = vec![""; self.places.len()];
        for (name, place) in &self.places {
            names[*place as usize] = name;
        }
        let edge = |(&(parent, child), &calls): (&(u32, u32), &u64)| Edge {
            parent: names[parent as usize],
            child: names[child as usize],
            calls,
        };
        let mut edges: Vec<Edge<'_>> = self.calls.iter().map(edge).collect();
        edges.sort_unstable();
        edges
    }

    /// Returns about how much memory the fold holds, in bytes.
    pub fn bytes(&self) -> usize {
        self.name_bytes + 48 * self.places.len() + 24 * self.calls.len()
    }

    fn place(&mut self, service: &str) -> u32 {
        if let Some(place) = self.places.get(service) {
            return *place;
        }
        let place = self.places.len() as u32;
        self.name_bytes += service.len();
        self.places.insert(service.to_owned(), place);
        place
    }
}

#[cfg(test)]
mod tests {
    use span::SpanKind;
    use store::conformance::Sketch;

    use super::*;
    use crate::tree::tests::{at, trace};

    fn fold(traces: &[&[Sketch<'_>]]) -> String {
        let mut dependencies = Dependencies::new();
        for sketches in traces {
            let trace = trace(sketches);
            dependencies.add(&trace, &Tree::of(&trace));
        }
        let line = |edge: &Edge<'_>| format!("{}>{} {}", edge.parent, edge.child, edge.calls);
        dependencies.edges().iter().map(line).collect::<Vec<_>>().join(", ")
    }

    fn of<'a>(service: &'a str, id: u64, parent: u64) -> Sketch<'a> {
        Sketch { service: Some(service), ..at(id, parent, id, id + 1) }
    }

    #[test]
    fn calls_are_counted_over_traces_and_within_services() {
        let one = [of("web", 1, 0), of("web", 2, 1), of("cart", 3, 2), of("cart", 4, 2)];
        let other = [of("cart", 1, 0), of("db", 2, 1), of("cart", 5, 9)];
        assert_eq!(fold(&[&one, &other, &one]), "cart>db 1, web>cart 4, web>web 2");
    }

    #[test]
    fn halves_with_one_id_are_a_call() {
        let client = Sketch { kind: SpanKind::Client, ..of("web", 1, 0) };
        let server = Sketch { kind: SpanKind::Server, ..of("cart", 1, 0) };
        assert_eq!(fold(&[&[client, server, of("db", 2, 1)]]), "cart>db 1, web>cart 1");
    }
}
