//! Every distinct run of bytes of the head, once, under a number.
//!
//! One arena, one table of ends, one hash table of numbers: no allocation per text. Number 0 is the
//! empty text, so an absent field costs nothing. Each text knows the rows that used it first and last, so that
//! a search for a rare one looks at few rows.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;
use std::ops::Range;

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
    /// The rows that used each text first and last.
    uses: Vec<[u32; 2]>,
    /// The row that is being pushed.
    row: u32,
    ids: HashTable<TextId>,
    hasher: RandomState,
}

impl Interner {
    pub(crate) fn new() -> Self {
        Self {
            arena: Vec::new(),
            ends: vec![0],
            uses: vec![[0, u32::MAX]],
            row: 0,
            ids: HashTable::new(),
            hasher: RandomState::default(),
        }
    }

    /// Says which row is pushed from now on.
    pub(crate) const fn begin_row(&mut self, row: u32) {
        self.row = row;
    }

    /// Notes that the row uses a text that was not interned for it.
    pub(crate) fn touch(&mut self, id: TextId) {
        if id != EMPTY {
            self.uses[id as usize][1] = self.row;
        }
    }

    /// Returns the rows between the first and the last that use one of `texts`; that of the empty text is
    /// not known.
    pub(crate) fn rows_using<'a>(&self, texts: impl IntoIterator<Item = &'a [u8]>) -> Range<u32> {
        let mut rows = 0..0;
        for [first, last] in texts.into_iter().filter_map(|text| Some(self.uses[self.find(text)? as usize])) {
            rows = join(rows, first..last.saturating_add(1));
        }
        rows
    }

    /// Returns the number of `bytes`, a new one where they were never seen.
    pub(crate) fn intern(&mut self, bytes: &[u8]) -> TextId {
        if bytes.is_empty() {
            return EMPTY;
        }
        let hash = self.hasher.hash_one(bytes);
        let (arena, ends) = (&mut self.arena, &mut self.ends);
        if let Some(id) = self.ids.find(hash, |id| slice(arena, ends, *id) == bytes) {
            self.uses[*id as usize][1] = self.row;
            return *id;
        }
        let end = u32::try_from(arena.len() + bytes.len()).expect("the head is frozen long before 4 GiB");
        let id = ends.len() as TextId;
        arena.extend_from_slice(bytes);
        ends.push(end);
        self.uses.push([self.row; 2]);
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
        self.arena.capacity() + 4 * self.ends.capacity() + 8 * self.uses.capacity() + 5 * self.ids.capacity()
    }
}

/// Returns the rows from the first of either to the last.
pub(crate) fn join(one: Range<u32>, other: Range<u32>) -> Range<u32> {
    match (one.is_empty(), other.is_empty()) {
        (true, _) => other,
        (_, true) => one,
        _ => one.start.min(other.start)..one.end.max(other.end),
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
        interner.begin_row(40);
        interner.intern(b"new");
        interner.begin_row(50);
        interner.touch(ids[7]);
        interner.begin_row(60);
        interner.intern(b"new");
        let rows = |texts: &[&'static [u8]]| interner.rows_using(texts.iter().copied());
        assert_eq!([rows(&[b"new"]), rows(&[b"7"]), rows(&[b"8", b"x"])], [40..61, 0..51, 0..1]);
        assert_eq!([rows(&[b"x"]), rows(&[b""]), rows(&[b"7", b"new"])], [0..0, 0..u32::MAX, 0..61]);
    }
}
