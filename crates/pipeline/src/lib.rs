//! One bounded door and the stages behind it.

#![forbid(unsafe_code)]
