//! Pure judgements over spans.

#![forbid(unsafe_code)]
