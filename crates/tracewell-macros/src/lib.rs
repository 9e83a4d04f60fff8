//! `#[trace]`: a span around a function.
//!
//! The function keeps its signature. A plain one is entered as a whole; an `async` one whenever it is
//! polled, so the span follows it between threads; one that returns a pinned box of an `async` block, as
//! `async_trait` makes it, likewise. Of a `Result` the error is recorded. Arguments are recorded only
//! where they are named, because what a function is given may be a secret.
//!
//! Deliberately absent: levels and targets, which `#[tracing::instrument]` has.

#![forbid(unsafe_code)]

mod arguments;
mod expand;

use proc_macro::TokenStream;

/// Runs a function inside a span of its own.
///
/// | argument | what it says |
/// |---|---|
/// | `name = "charge card"` | the span's name; the function's, unless told |
/// | `kind = client` | `server`, `client`, `producer`, `consumer`, `internal` |
/// | `attrs(items = items.len(), "order.id" = %id, form = ?form)` | attributes; `%` shows a value by `Display`, `?` by `Debug` |
///
/// ```text
/// #[tracewell::trace(kind = client, attrs("order.id" = order.id))]
/// async fn charge(order: &Order) -> Result<Receipt, CardError> { .. }
/// ```
#[proc_macro_attribute]
pub fn trace(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let expanded = syn::parse::<arguments::Arguments>(arguments)
        .and_then(|arguments| expand::function(&arguments, syn::parse(function)?));
    expanded.unwrap_or_else(|error| error.into_compile_error()).into()
}
