//! Shapes: which keys, of which kinds, in which order.
//!
//! A trie of attribute lists. Walking it compares each key with the keys that came after the
//! same beginning before, most recent first, so that a key is hardly ever hashed; and each node
//! remembers the last text it saw, because neighbours often agree. A node where a list ended is a
//! *shape*, and has a dense number.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use span::ValueRef;

use super::interner::{Interner, TextId};
use crate::value_kind::{ValueKind, bits_of, text_of};

/// The number of a shape; 0 is the one without attributes.
pub(crate) type ShapeId = u32;

/// One attribute of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Field {
    /// The key.
    pub(crate) key: TextId,
    /// What the value is.
    pub(crate) kind: ValueKind,
    /// Where the value stands among the owner's words.
    pub(crate) word: u32,
}

#[derive(Debug)]
pub(crate) struct Shapes {
    nodes: Vec<Node>,
    /// Children beyond the first [`NEAR_MAX`] of a node.
    far: HashMap<(u32, TextId, ValueKind), u32, RandomState>,
    /// The fields of each shape.
    shapes: Vec<Box<[Field]>>,
    field_count: usize,
}

#[derive(Debug)]
struct Node {
    parent: u32,
    key: TextId,
    kind: ValueKind,
    /// The last text that stood here.
    last: TextId,
    /// The least and the greatest integer.
    least: i64,
    greatest: i64,
    shape: Option<ShapeId>,
    /// The latest children, the most recent first.
    near: [u32; NEAR_MAX],
}

/// How many children are tried by comparison. Beyond that hashing is cheaper.
const NEAR_MAX: usize = 6;
/// No child: the root is nobody's.
const NOBODY: u32 = 0;

impl Shapes {
    pub(crate) fn new() -> Self {
        let root = Node {
            parent: NOBODY,
            key: 0,
            kind: ValueKind::Empty,
            last: 0,
            least: i64::MAX,
            greatest: i64::MIN,
            shape: Some(0),
            near: [NOBODY; NEAR_MAX],
        };
        Self { nodes: vec![root], far: HashMap::default(), shapes: vec![Box::default()], field_count: 0 }
    }

    /// Takes a list of attributes: appends their values to `words` and returns their shape.
    pub(crate) fn take<'a>(
        &mut self,
        texts: &mut Interner,
        attributes: impl Iterator<Item = (&'a [u8], ValueRef<'a>)>,
        words: &mut Vec<u32>,
    ) -> ShapeId {
        let mut at = 0;
        for (key, value) in attributes {
            at = self.child(texts, at, key, ValueKind::of(value));
            self.take_value(texts, at, value, words);
        }
        self.shape_at(at)
    }

    /// Returns the attributes of a shape, in order.
    pub(crate) fn fields(&self, shape: ShapeId) -> &[Field] {
        &self.shapes[shape as usize]
    }

    /// Tells whether any attribute with this key is of the kind.
    pub(crate) fn has(&self, key: TextId, kind: ValueKind) -> bool {
        self.nodes[1..].iter().any(|node| node.key == key && node.kind == kind)
    }

    /// Tells whether an integer with this key may be `number`.
    pub(crate) fn may_hold_int(&self, key: TextId, number: i64) -> bool {
        let of_key = self.nodes[1..].iter().filter(|node| node.key == key && node.kind == ValueKind::Int);
        of_key.into_iter().any(|node| (node.least..=node.greatest).contains(&number))
    }

    /// Returns how many shapes there are.
    pub(crate) fn len(&self) -> usize {
        self.shapes.len()
    }

    /// Returns the memory held, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.field_count * size_of::<Field>()
            + self.shapes.capacity() * size_of::<Box<[Field]>>()
            + self.far.capacity() * 20
    }

    fn take_value(&mut self, texts: &mut Interner, at: u32, value: ValueRef<'_>, words: &mut Vec<u32>) {
        match ValueKind::of(value) {
            ValueKind::Empty => {}
            ValueKind::Bool => words.push(bits_of(value) as u32),
            ValueKind::Int | ValueKind::Double => {
                let bits = bits_of(value);
                words.extend([bits as u32, (bits >> 32) as u32]);
                if let ValueRef::Int(number) = value {
                    let node = &mut self.nodes[at as usize];
                    (node.least, node.greatest) = (node.least.min(number), node.greatest.max(number));
                }
            }
            ValueKind::Str | ValueKind::Bytes | ValueKind::Array | ValueKind::Map => {
                let (text, node) = (text_of(value), &mut self.nodes[at as usize]);
                if texts.get(node.last) == text {
                    texts.touch(node.last);
                } else {
                    node.last = texts.intern(text);
                }
                words.push(node.last);
            }
        }
    }

    fn child(&mut self, texts: &mut Interner, at: u32, key: &[u8], kind: ValueKind) -> u32 {
        let near = self.nodes[at as usize].near;
        for (place, child) in near.into_iter().enumerate() {
            if child == NOBODY {
                break;
            }
            let node = &self.nodes[child as usize];
            if node.kind == kind && texts.get(node.key) == key {
                if place != 0 {
                    self.nodes[at as usize].near.swap(place, place - 1);
                }
                return child;
            }
        }
        let key = texts.intern(key);
        if near[NEAR_MAX - 1] != NOBODY
            && let Some(child) = self.far.get(&(at, key, kind))
        {
            return *child;
        }
        self.add_child(at, key, kind)
    }

    fn add_child(&mut self, at: u32, key: TextId, kind: ValueKind) -> u32 {
        let child = self.nodes.len() as u32;
        let near = &mut self.nodes[at as usize].near;
        match near.iter().position(|child| *child == NOBODY) {
            Some(place) => near[place] = child,
            None => drop(self.far.insert((at, key, kind), child)),
        }
        self.nodes.push(Node {
            parent: at,
            key,
            kind,
            last: 0,
            least: i64::MAX,
            greatest: i64::MIN,
            shape: None,
            near: [NOBODY; NEAR_MAX],
        });
        child
    }

    fn shape_at(&mut self, at: u32) -> ShapeId {
        if let Some(shape) = self.nodes[at as usize].shape {
            return shape;
        }
        let mut fields = Vec::new();
        let mut node = at;
        while node != NOBODY {
            let Node { parent, key, kind, .. } = self.nodes[node as usize];
            fields.push(Field { key, kind, word: 0 });
            node = parent;
        }
        fields.reverse();
        let mut word = 0;
        for field in &mut fields {
            field.word = word;
            word += field.kind.words() as u32;
        }
        let shape = self.shapes.len() as ShapeId;
        self.field_count += fields.len();
        self.shapes.push(fields.into_boxed_slice());
        self.nodes[at as usize].shape = Some(shape);
        shape
    }
}

impl Field {
    /// Reads the field's value out of its owner's words.
    pub(crate) fn value<'a>(self, texts: &'a Interner, words: &[u32]) -> ValueRef<'a> {
        if self.kind.is_text() {
            self.kind.of_text(texts.get(self.text(words)))
        } else {
            self.kind.of_bits(self.bits(words))
        }
    }

    /// Reads the number of the field's text; for kinds that are text.
    pub(crate) fn text(self, words: &[u32]) -> TextId {
        words[self.word as usize]
    }

    /// Reads the field's bits; for kinds that are no text.
    pub(crate) fn bits(self, words: &[u32]) -> u64 {
        let at = self.word as usize;
        match self.kind.words() {
            0 => 0,
            1 => u64::from(words[at]),
            _ => u64::from(words[at]) | u64::from(words[at + 1]) << 32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_in_order_with_repeats() {
        let (mut shapes, mut texts) = (Shapes::new(), Interner::new());
        let list = [
            (&b"b"[..], ValueRef::Int(-1)),
            (b"a", ValueRef::Str(b"x")),
            (b"b", ValueRef::Double(0.5)),
            (b"a", ValueRef::Empty),
            (b"", ValueRef::Bool(true)),
        ];
        let mut words = Vec::new();
        let shape = shapes.take(&mut texts, list.into_iter(), &mut words);
        let fields = shapes.fields(shape);
        let read = fields.iter().map(|field| (texts.get(field.key), field.value(&texts, &words)));
        assert!(read.eq(list));
        assert_eq!(shapes.take(&mut texts, list.into_iter(), &mut words), shape);
    }

    #[test]
    fn every_key_order_and_kind_is_a_shape() {
        let (mut shapes, mut texts) = (Shapes::new(), Interner::new());
        let mut words = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for n in 0..100 {
            for kind in [ValueRef::Int(n), ValueRef::Empty] {
                let key = n.to_string();
                let list = [(key.as_bytes(), kind)].into_iter();
                let shape = shapes.take(&mut texts, list.clone(), &mut words);
                assert!(seen.insert(shape));
                assert_eq!(shapes.take(&mut texts, list, &mut words), shape);
            }
        }
        assert_eq!(shapes.take(&mut texts, std::iter::empty(), &mut words), 0);
    }
}
