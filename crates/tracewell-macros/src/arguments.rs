//! What stands in the parentheses of `#[trace(..)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, LitStr, Token, parenthesized};

/// What was said.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) name: Option<LitStr>,
    /// A variant of `Kind`.
    pub(crate) kind: Option<Ident>,
    pub(crate) attributes: Vec<Attribute>,
}

/// An attribute of the span.
pub(crate) struct Attribute {
    pub(crate) key: String,
    /// An expression of something that a value can be made of.
    pub(crate) value: TokenStream,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            let word: Ident = input.parse()?;
            match word.to_string().as_str() {
                "name" => {
                    input.parse::<Token![=]>()?;
                    arguments.name = Some(input.parse()?);
                }
                "kind" => {
                    input.parse::<Token![=]>()?;
                    arguments.kind = Some(kind(&input.parse()?)?);
                }
                "attrs" => {
                    let inside;
                    parenthesized!(inside in input);
                    let attributes = Punctuated::<Attribute, Token![,]>::parse_terminated(&inside)?;
                    arguments.attributes.extend(attributes);
                }
                _ => return Err(Error::new(word.span(), "expected `name`, `kind` or `attrs`")),
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

impl Parse for Attribute {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = if input.peek(LitStr) {
            input.parse::<LitStr>()?.value()
        } else {
            let words = Punctuated::<Ident, Token![.]>::parse_separated_nonempty(input)?;
            words.iter().map(Ident::to_string).collect::<Vec<String>>().join(".")
        };
        input.parse::<Token![=]>()?;
        let value = if input.parse::<Option<Token![%]>>()?.is_some() {
            let shown: Expr = input.parse()?;
            quote!(::tracewell::Value::Display(&#shown))
        } else if input.parse::<Option<Token![?]>>()?.is_some() {
            let shown: Expr = input.parse()?;
            quote!(::tracewell::Value::Debug(&#shown))
        } else {
            let value: Expr = input.parse()?;
            quote!(#value)
        };
        Ok(Self { key, value })
    }
}

fn kind(word: &Ident) -> syn::Result<Ident> {
    let kinds = [
        ("internal", "Internal"),
        ("server", "Server"),
        ("client", "Client"),
        ("producer", "Producer"),
        ("consumer", "Consumer"),
    ];
    let found = kinds.iter().find(|(known, _)| word == known);
    found.map(|(_, variant)| Ident::new(variant, word.span())).ok_or_else(|| {
        Error::new(word.span(), "expected `internal`, `server`, `client`, `producer` or `consumer`")
    })
}
