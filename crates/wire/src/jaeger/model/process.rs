//! Resources as processes, and their numbering.

use std::borrow::Cow;
use std::collections::HashMap;

use span::ResourceRef;

use super::tag::tags_of;
use super::{JaegerProcess, TagOrder};

/// The processes of one answer, numbered by first appearance. Resources that are shown alike are one.
#[derive(Debug)]
pub struct Processes<'a> {
    order: TagOrder,
    seen: Vec<JaegerProcess<'a>>,
    /// Places by resource row, so that a resource of many spans is translated once. Rows are never
    /// moved while their batch is borrowed, so an address names one.
    by_row: HashMap<usize, usize>,
    /// Places by the content hash of a resource.
    by_content: HashMap<u64, Vec<usize>>,
}

impl<'a> JaegerProcess<'a> {
    /// Translates a resource.
    pub fn of(resource: ResourceRef<'a>, order: TagOrder) -> Self {
        let others = resource.attributes().filter(|(key, _)| *key != b"service.name");
        Self { service_name: Cow::Borrowed(resource.service()), tags: tags_of(others, order) }
    }
}

impl<'a> Processes<'a> {
    /// Starts without any.
    pub fn new(order: TagOrder) -> Self {
        Self { order, seen: Vec::new(), by_row: HashMap::new(), by_content: HashMap::new() }
    }

    /// Returns the place of a resource, from 0, which is new if nothing like it was seen before.
    pub fn place(&mut self, resource: ResourceRef<'a>) -> usize {
        let row = std::ptr::from_ref(resource.row()) as usize;
        if let Some(place) = self.by_row.get(&row) {
            return *place;
        }
        let process = JaegerProcess::of(resource, self.order);
        let alike = self.by_content.entry(resource.content_hash()).or_default();
        let known = alike.iter().copied().find(|place| self.seen.get(*place) == Some(&process));
        let place = known.unwrap_or_else(|| {
            alike.push(self.seen.len());
            self.seen.push(process);
            self.seen.len() - 1
        });
        self.by_row.insert(row, place);
        place
    }

    /// Visits them by place.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &JaegerProcess<'a>> {
        self.seen.iter()
    }
}

/// Returns the name of the process at `place`: `p1` for the first.
pub fn process_id(place: usize) -> String {
    format!("p{}", place + 1)
}

#[cfg(test)]
mod tests {
    use span::{BatchBuilder, ResourceRow, ScopeRow, SpanBatch, SpanRow, ValueRef};

    use super::*;

    fn batch(services: &[&[u8]]) -> SpanBatch {
        let mut builder = BatchBuilder::new();
        let scope = builder.scope(ScopeRow::default());
        for service in services {
            let mark = builder.mark();
            builder.push(b"service.name", ValueRef::Str(service)).unwrap();
            builder.push(b"nan", ValueRef::Int(0)).unwrap();
            let attributes = builder.since(mark);
            let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
            builder.span(SpanRow { resource, scope, ..SpanRow::default() });
        }
        builder.finish()
    }

    #[test]
    fn processes_are_numbered_by_first_appearance() {
        let (first, second) = (batch(&[b"cart", b"shop", b"cart"]), batch(&[b"", b"shop"]));
        let mut processes = Processes::new(TagOrder::AsSent);
        let places: Vec<usize> =
            first.spans().chain(second.spans()).map(|span| processes.place(span.resource())).collect();
        assert_eq!(places, [0, 1, 0, 2, 1]);
        let names: Vec<&str> = processes.iter().map(|process| &*process.service_name).collect();
        assert_eq!(names, ["cart", "shop", "empty-service-name"]);
        assert_eq!(process_id(2), "p3");
    }
}
