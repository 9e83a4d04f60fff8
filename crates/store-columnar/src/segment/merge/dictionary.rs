//! The dictionaries of the inputs, read in step: all are sorted, so one pass joins them.
//!
//! Only a page of each is in memory. The first pass gives each text of an input its number in the joined
//! dictionary, the second writes it.

use std::sync::Arc;

use super::{MergeFailure, input_failed};
use crate::column::block::Packer;
use crate::segment::build::File;
use crate::segment::layout::Place;
use crate::segment::page_texts::PageTexts;
use crate::segment::pages::PagesWriter;
use crate::segment::reader::Segment;

/// How much of the dictionary is written at once.
const WRITE_BYTES: usize = 1 << 20;

/// What each text's number becomes.
pub(super) struct Joined {
    /// By input, by number there.
    numbers: Vec<Vec<u32>>,
}

impl Joined {
    pub(super) fn of(inputs: &[Arc<Segment>]) -> Result<Self, MergeFailure> {
        let mut numbers: Vec<Vec<u32>> = inputs.iter().map(|_| Vec::new()).collect();
        let mut fresh = 0;
        walk(inputs, |_, has| {
            for input in has {
                numbers[*input].push(fresh);
            }
            fresh += 1;
            Ok(())
        })?;
        Ok(Self { numbers })
    }

    /// Returns what a number of an input becomes.
    pub(super) fn number(&self, input: usize, number: u32) -> u32 {
        self.numbers[input][number as usize]
    }

    /// Writes the joined dictionary.
    pub(super) fn write(&self, inputs: &[Arc<Segment>], file: &mut File<'_>) -> Result<Place, MergeFailure> {
        let offset = file.offset;
        let (mut packer, mut pages, mut out) = (Packer::new(), PagesWriter::default(), Vec::new());
        walk(inputs, |text, _| {
            pages.push(&mut packer, text, &mut out);
            if WRITE_BYTES <= out.len() {
                file.write(&out)?;
                out.clear();
            }
            Ok(())
        })?;
        pages.finish(&mut packer, &mut out);
        file.write(&out)?;
        let len = u32::try_from(file.offset - offset).expect("a segment is shorter than 4 GiB");
        Ok(Place { offset, len })
    }
}

/// Where an input's dictionary is read.
struct Cursor {
    page_next: usize,
    page: Option<PageTexts>,
    at: usize,
}

impl Cursor {
    fn text(&self) -> Option<&[u8]> {
        self.page.as_ref().map(|page| page.get(self.at))
    }

    fn advance(&mut self, inputs: &[Arc<Segment>], input: usize) -> Result<(), MergeFailure> {
        self.at += 1;
        if self.page.as_ref().is_some_and(|page| self.at < page.len()) {
            return Ok(());
        }
        let segment = &inputs[input];
        let read = || {
            let pages = segment.dictionary()?;
            match self.page_next < pages.page_count() {
                true => pages.peek(self.page_next, &|place| segment.read(place)).map(Some),
                false => Ok(None),
            }
        };
        self.page = read().map_err(|failure| input_failed(inputs, input, failure))?;
        (self.page_next, self.at) = (self.page_next + 1, 0);
        Ok(())
    }
}

/// Visits each distinct text of all dictionaries, sorted, with the inputs that have it.
fn walk(
    inputs: &[Arc<Segment>],
    mut visit: impl FnMut(&[u8], &[usize]) -> Result<(), MergeFailure>,
) -> Result<(), MergeFailure> {
    let mut cursors: Vec<Cursor> =
        inputs.iter().map(|_| Cursor { page_next: 0, page: None, at: 0 }).collect();
    for (input, cursor) in cursors.iter_mut().enumerate() {
        cursor.advance(inputs, input)?;
    }
    let mut has = Vec::new();
    while let Some(least) = cursors.iter().filter_map(Cursor::text).min() {
        has.clear();
        has.extend((0..cursors.len()).filter(|input| cursors[*input].text() == Some(least)));
        visit(least, &has)?;
        for input in &has {
            cursors[*input].advance(inputs, *input)?;
        }
    }
    Ok(())
}
