//! Texts by number, in pages: the segment's dictionary, and its tables of records.
//!
//! A page holds some 32 KiB of texts (or one larger text), each as how many bytes it shares
//! with the one before and what is new; it is read, checked and kept when one of its texts is first
//! asked for. A sorted table can be searched: the directory has the beginning of each page's first text.
//!
//! ```text
//! pages      blocks, one behind the other
//! directory  a block: count of pages, then for each: count of texts, length of its block,
//!            beginning of its first text;    length of the directory u32
//! ```

use std::sync::Arc;

use super::layout::Place;
use super::page_cache::{PageCache, PageSlot};
use super::page_texts::PageTexts;
use crate::column::block::{Packer, Unpacker};
use crate::column::bytes::{put_text, put_varint};
use crate::column::{Broken, Take};

const PAGE_LEN: usize = 32 << 10;
/// So many bytes of a first text tell a page apart.
const BEGINNING_LEN: usize = 48;

/// Appends a table of texts.
pub(super) fn put_pages<'a>(
    packer: &mut Packer,
    texts: impl Iterator<Item = &'a [u8]>,
    out: &mut Vec<u8>,
) -> u32 {
    let start = out.len();
    let mut pages = PagesWriter::default();
    for text in texts {
        pages.push(packer, text, out);
    }
    pages.finish(packer, out);
    (out.len() - start) as u32
}

/// Writes a table of texts a page at a time. What it appends may be taken away at once.
#[derive(Default)]
pub(super) struct PagesWriter {
    pages: u64,
    directory: Vec<u8>,
    /// The page being filled: how many texts, beginning of the first, the last, the bytes.
    count: u64,
    beginning: Vec<u8>,
    last: Vec<u8>,
    bytes: Vec<u8>,
}

impl PagesWriter {
    /// Adds a text, and appends the page before it where that is full.
    pub(super) fn push(&mut self, packer: &mut Packer, text: &[u8], out: &mut Vec<u8>) {
        if self.count != 0 && PAGE_LEN < self.bytes.len() + text.len() {
            self.end_page(packer, out);
        }
        if self.count == 0 {
            self.beginning = text[..text.len().min(BEGINNING_LEN)].to_vec();
            self.last.clear();
        }
        let alike = self.last.iter().zip(text).take_while(|(a, b)| a == b).count();
        put_varint(&mut self.bytes, alike as u64);
        put_text(&mut self.bytes, &text[alike..]);
        self.last.clear();
        self.last.extend_from_slice(text);
        self.count += 1;
    }

    /// Appends the last page and the directory.
    pub(super) fn finish(mut self, packer: &mut Packer, out: &mut Vec<u8>) {
        if self.count != 0 {
            self.end_page(packer, out);
        }
        let mut head = Vec::new();
        put_varint(&mut head, self.pages);
        head.extend_from_slice(&self.directory);
        let len = packer.pack(&head, out);
        out.extend_from_slice(&len.to_le_bytes());
    }

    fn end_page(&mut self, packer: &mut Packer, out: &mut Vec<u8>) {
        put_varint(&mut self.directory, self.count);
        put_varint(&mut self.directory, u64::from(packer.pack(&self.bytes, out)));
        put_text(&mut self.directory, &self.beginning);
        self.bytes.clear();
        self.count = 0;
        self.pages += 1;
    }
}

/// A table of texts. Pages stay in memory while the cache has room for them.
#[derive(Debug)]
pub(super) struct Pages {
    cache: Arc<PageCache>,
    lines: Vec<PageLine>,
    count: u32,
}

#[derive(Debug)]
struct PageLine {
    /// The number of its first text.
    first: u32,
    place: Place,
    beginning: Box<[u8]>,
    kept: Arc<PageSlot>,
}

/// Reads a block's bytes from the file.
pub(super) type ReadBlock<'a, E> = &'a dyn Fn(Place) -> Result<Vec<u8>, E>;

impl Pages {
    /// Returns where the directory of a table in `place` is, given the table's last four bytes.
    pub(super) fn directory(place: Place, last: [u8; 4]) -> Result<Place, Broken> {
        let len = u32::from_le_bytes(last);
        match place.len.checked_sub(4).and_then(|end| end.checked_sub(len)) {
            Some(start) => Ok(Place { offset: place.offset + u64::from(start), len }),
            None => Err(Broken("a directory of pages is cut off")),
        }
    }

    /// Reads the directory of a table in `place`.
    pub(super) fn take(
        place: Place,
        directory: &[u8],
        unpacker: &mut Unpacker,
        cache: &Arc<PageCache>,
    ) -> Result<Self, Broken> {
        let bytes = unpacker.unpack(directory)?;
        let mut take = Take::new(&bytes);
        let (mut lines, mut count, mut offset) = (Vec::new(), 0_u32, 0_u32);
        for _ in 0..take.count(3)? {
            let texts = take.varint32()?;
            let len = take.varint32()?;
            let beginning = take.text()?.into();
            let place = Place { offset: place.offset + u64::from(offset), len };
            lines.push(PageLine { first: count, place, beginning, kept: Arc::default() });
            count = count.checked_add(texts).ok_or(Broken("a table has too many texts"))?;
            offset = offset.checked_add(len).ok_or(Broken("a table is too long"))?;
        }
        if place.len < offset {
            return Err(Broken("a page lies outside its table"));
        }
        Ok(Self { cache: cache.clone(), lines, count })
    }

    /// Returns how many texts there are.
    pub(super) const fn len(&self) -> u32 {
        self.count
    }

    /// Returns the page with text `number`, and its place there.
    pub(super) fn page<E: From<(Broken, Place)>>(
        &self,
        number: u32,
        read: ReadBlock<'_, E>,
    ) -> Result<(Arc<PageTexts>, usize), E> {
        let at = self.lines.partition_point(|line| line.first <= number).saturating_sub(1);
        let Some(line) = self.lines.get(at).filter(|_| number < self.count) else {
            return Err(E::from((Broken("a text's number does not exist"), Place::default())));
        };
        Ok((self.texts(at, read)?, (number - line.first) as usize))
    }

    /// Returns the number of `text`, if a sorted table has it.
    pub(super) fn find<E: From<(Broken, Place)>>(
        &self,
        text: &[u8],
        read: ReadBlock<'_, E>,
    ) -> Result<Option<u32>, E> {
        let mut at = self.lines.partition_point(|line| *line.beginning <= *text);
        // Beginnings are cut, so that a page may begin behind the text although its beginning does not.
        while let Some(before) = at.checked_sub(1) {
            let texts = self.texts(before, read)?;
            if texts.get(0) <= text {
                return Ok(texts.find(text).map(|place| self.lines[before].first + place as u32));
            }
            at = before;
        }
        Ok(None)
    }

    fn texts<E: From<(Broken, Place)>>(
        &self,
        at: usize,
        read: ReadBlock<'_, E>,
    ) -> Result<Arc<PageTexts>, E> {
        if let Some(texts) = self.lines[at].kept.get() {
            return Ok(texts);
        }
        let texts = Arc::new(self.peek(at, read)?);
        self.cache.keep(&self.lines[at].kept, texts.clone());
        Ok(texts)
    }

    /// Returns how many pages there are.
    pub(super) const fn page_count(&self) -> usize {
        self.lines.len()
    }

    /// Reads a page without keeping it, for who reads each page once.
    pub(super) fn peek<E: From<(Broken, Place)>>(
        &self,
        at: usize,
        read: ReadBlock<'_, E>,
    ) -> Result<PageTexts, E> {
        let line = &self.lines[at];
        let block = read(line.place)?;
        let end = self.lines.get(at + 1).map_or(self.count, |next| next.first);
        let texts = PageTexts::take(&block, (end - line.first) as usize);
        texts.map_err(|broken| E::from((broken, line.place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_number_and_by_themselves() {
        let mut texts: Vec<Vec<u8>> = (0..20_000_u32)
            .map(|n| format!("GET /product/{n}/reviews and much more of it").into_bytes())
            .collect();
        texts.extend([b"".to_vec(), vec![b'x'; 100_000], vec![b'x'; 100_001], vec![b'y'; 60]]);
        texts.sort();
        let mut out = vec![0; 9];
        let len = put_pages(&mut Packer::new(), texts.iter().map(Vec::as_slice), &mut out);
        let place = Place { offset: 9, len };
        let last = out[out.len() - 4..].try_into().unwrap();
        let block = |place: Place| out[place.offset as usize..][..place.len as usize].to_vec();
        let directory = Pages::directory(place, last).unwrap();
        let pages =
            Pages::take(place, &block(directory), &mut Unpacker::new(), &PageCache::new(100_000)).unwrap();
        let read = |place| Ok::<_, (Broken, Place)>(block(place));
        assert_eq!(pages.len() as usize, texts.len());
        for (number, text) in texts.iter().enumerate() {
            let (page, at) = pages.page(number as u32, &read).unwrap();
            assert_eq!(page.get(at), text);
            assert_eq!(pages.find(text, &read).unwrap(), Some(number as u32));
        }
        for absent in ["a", "GET /product/7/reviews", "z", "xx"] {
            assert_eq!(pages.find(absent.as_bytes(), &read).unwrap(), None);
        }
        assert!(pages.page(texts.len() as u32, &read).is_err());
    }
}
