//! What a panic said, for the spans that it ends.
//!
//! A span that is dropped while its thread unwinds fails. Its message is the panic's where somebody
//! noted that, as a panic hook does; the innermost span gets it as an `exception` event, too.

use std::cell::RefCell;

use crate::kind::Status;
use crate::record::Record;
use crate::{error_record, limits};

/// Characters of a backtrace that are kept.
const BACKTRACE_BYTES_MAX: usize = 32 * 1024;

thread_local! {
    static NOTE: RefCell<Option<Note>> = const { RefCell::new(None) };
}

struct Note {
    message: String,
    stack: String,
    /// A span has it as its exception.
    told: bool,
}

/// Notes what the panic of this thread says, for the spans that it ends. Panic hooks call it.
pub fn note_panic(message: &str, stack: &str) {
    let note = Note {
        message: message.to_owned(),
        stack: limits::cut_bytes(stack, BACKTRACE_BYTES_MAX).to_owned(),
        told: false,
    };
    // A thread that is ending has no spans to tell.
    let _ = NOTE.try_with(|kept| kept.try_borrow_mut().map(|mut kept| *kept = Some(note)));
}

/// Fails a span that a panic ends.
#[cold]
pub(crate) fn fail(record: &mut Record) {
    if record.status_said() == Status::Error {
        return;
    }
    let note = NOTE.try_with(|kept| kept.try_borrow_mut().ok()?.take()).ok().flatten();
    let Some(mut note) = note else {
        record.status(Status::Error, "panicked");
        return;
    };
    if note.told {
        record.status(Status::Error, &note.message);
    } else {
        note.told = true;
        let stack = Some(note.stack.as_str()).filter(|stack| !stack.is_empty());
        error_record::write_text(record, "panic", &note.message, stack);
    }
    let _ = NOTE.try_with(|kept| kept.try_borrow_mut().map(|mut kept| *kept = Some(note)));
}
