//! Every distinct run of bytes of the head, once, under a number.
//!
//! One arena, one table of ends, one hash table of numbers: no allocation per text. Number 0 is the
//! empty text, so an absent field costs nothing.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;

/// The number of a text.
pub(crate) type TextId = u32;

/// The empty text.
pub(crate) const EMPTY: TextId = 0;

/// Gives equal bytes equal numbers.
#[derive(Debug)]
pub(crate) struct Interner {
    arena: Vec<u8>,
    /// Where each text ends in the arena; it begins where the one before ends.
    ends: Vec<u32>,
    ids: HashTable<TextId>,
    hasher: RandomState,
}

impl Interner {
    pub(crate) fn new() -> Self {
        Self { arena: Vec::new(), ends: vec![0], ids: HashTable::new(), hasher: RandomState::default() }
    }

    /// Returns the number of `bytes`, a new one where they were never seen.
    pub(crate) fn intern(&mut self, bytes: &[u8]) -> TextId {
        if bytes.is_empty() {
            return EMPTY;
        }
        let hash = self.hasher.hash_one(bytes);
        let (arena, ends) = (&mut self.arena, &mut self.ends);
        if let Some(id) = self.ids.find(hash, |id| slice(arena, ends, *id) == bytes) {
            return *id;
        }
        let end = u32::try_from(arena.len() + bytes.len()).expect("the head is frozen long before 4 GiB");
        let id = ends.len() as TextId;
        arena.extend_from_slice(bytes);
        ends.push(end);
        self.ids.insert_unique(hash, id, |id| self.hasher.hash_one(slice(arena, ends, *id)));
        id
    }

    /// Returns the number of `bytes` if they were seen.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<TextId> {
        if bytes.is_empty() {
            return Some(EMPTY);
        }
        let hash = self.hasher.hash_one(bytes);
        self.ids.find(hash, |id| self.get(*id) == bytes).copied()
    }

    /// Returns the text with the given number.
    pub(crate) fn get(&self, id: TextId) -> &[u8] {
        slice(&self.arena, &self.ends, id)
    }

    /// Returns how many texts there are, the empty one included.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the memory held, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.arena.capacity() + 4 * self.ends.capacity() + 5 * self.ids.capacity()
    }
}

fn slice<'a>(arena: &'a [u8], ends: &[u32], id: TextId) -> &'a [u8] {
    let at = id as usize;
    match at {
        0 => &[],
        _ => &arena[ends[at - 1] as usize..ends[at] as usize],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_have_one_number() {
        let mut interner = Interner::new();
        let ids: Vec<_> = (0..1_000_u32).map(|n| interner.intern(n.to_string().as_bytes())).collect();
        for (n, id) in ids.iter().enumerate() {
            assert_eq!(interner.get(*id), n.to_string().as_bytes());
            assert_eq!(interner.intern(n.to_string().as_bytes()), *id);
        }
        assert_eq!(interner.intern(b""), EMPTY);
        assert_eq!((interner.find(b"7"), interner.find(b"x")), (Some(ids[7]), None));
        assert_eq!(interner.len(), 1_001);
    }
}
