//! The function with its span.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Block, Error, Expr, ExprAsync, ItemFn, ReturnType, Stmt, Type};

use crate::arguments::Arguments;

/// Puts a span around a function's body.
pub(crate) fn function(arguments: &Arguments, function: ItemFn) -> syn::Result<TokenStream> {
    let ItemFn { attrs, vis, sig, block } = function;
    if let Some(word) = &sig.constness {
        return Err(Error::new_spanned(word, "a `const` function cannot be traced"));
    }
    let returns = match &sig.output {
        ReturnType::Default => None,
        ReturnType::Type(_, returns) => Some(&**returns),
    };
    let is_plain = sig.asyncness.is_none();
    let begin = begin(arguments, &sig.ident.to_string(), is_plain && is_result(returns));
    let body = if sig.asyncness.is_some() {
        let result = is_result(returns);
        let hint = hint(returns);
        polled(&begin, &quote!(async move { #hint #block }), result)
    } else if let Some((before, future)) = boxed_future(&block) {
        let inside = polled(&begin, &quote!(#future), false);
        quote!(#(#before)* ::std::boxed::Box::pin(async move { #inside }))
    } else {
        entered(&begin, &block, returns)
    };
    Ok(quote!(#(#attrs)* #vis #sig { #body }))
}

/// Makes the span, `__span`.
fn begin(arguments: &Arguments, function: &str, changes: bool) -> TokenStream {
    let name = arguments.name.as_ref().map_or_else(|| quote!(#function), |name| name.to_token_stream());
    let kind = arguments.kind.as_ref().map(|kind| quote!(.kind(::tracewell::Kind::#kind)));
    let set = arguments.attributes.iter().map(|attribute| {
        let (key, value) = (&attribute.key, &attribute.value);
        quote!(__span.attr(#key, #value);)
    });
    let set = (!arguments.attributes.is_empty()).then(|| quote!(if __span.is_recording() { #(#set)* }));
    let mutable = (changes || !arguments.attributes.is_empty()).then(|| quote!(mut));
    quote! {
        let #mutable __span = ::tracewell::span(#name)#kind.start();
        #set
    }
}

/// A future that is polled inside the span.
fn polled(begin: &TokenStream, future: &TokenStream, result: bool) -> TokenStream {
    if !result {
        return quote!(#begin __span.instrument(#future).await);
    }
    quote! {
        #begin
        let (mut __span, __result) = ::tracewell::__private::polled(__span, #future).await;
        if let ::core::result::Result::Err(__error) = &__result {
            use ::tracewell::__private::{ViaDisplay as _, ViaError as _, ViaNothing as _};
            (&&&::tracewell::__private::Failed(__error)).record(&mut __span);
        }
        __result
    }
}

/// A plain body, inside the span as a whole.
fn entered(begin: &TokenStream, block: &Block, returns: Option<&Type>) -> TokenStream {
    if !is_result(returns) {
        return quote!(#begin let __entered = __span.enter(); #block);
    }
    let annotated = returns.filter(|returns| !says_impl(returns)).map(|returns| quote!(-> #returns));
    // With its type the closure needs braces, which the block has.
    quote! {
        #begin
        let __entered = __span.enter();
        let __result = ::tracewell::__private::called(move || #annotated #block);
        if let ::core::result::Result::Err(__error) = &__result {
            use ::tracewell::__private::{ViaDisplay as _, ViaError as _, ViaNothing as _};
            (&&&::tracewell::__private::Failed(__error)).record(&mut __span);
        }
        __result
    }
}

/// Tells an `async` block its type, which it cannot be given otherwise.
fn hint(returns: Option<&Type>) -> Option<TokenStream> {
    let returns = returns.filter(|returns| !says_impl(returns))?;
    Some(quote!(if false { return ::tracewell::__private::never::<#returns>(); }))
}

fn is_result(returns: Option<&Type>) -> bool {
    let Some(Type::Path(path)) = returns else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Result")
}

fn says_impl(returns: &Type) -> bool {
    returns.to_token_stream().into_iter().any(says)
}

fn says(token: proc_macro2::TokenTree) -> bool {
    match token {
        proc_macro2::TokenTree::Ident(word) => word == "impl",
        proc_macro2::TokenTree::Group(group) => group.stream().into_iter().any(says),
        _ => false,
    }
}

/// Finds `Box::pin(async move { .. })` at a body's end, as `async_trait` writes it.
fn boxed_future(block: &Block) -> Option<(&[Stmt], &ExprAsync)> {
    let (last, before) = block.stmts.split_last()?;
    let Stmt::Expr(Expr::Call(call), None) = last else { return None };
    let Expr::Path(function) = &*call.func else { return None };
    let mut words = function.path.segments.iter().rev();
    let is_pin = words.next()?.ident == "pin" && words.next()?.ident == "Box";
    match call.args.first()? {
        Expr::Async(future) if is_pin => Some((before, future)),
        _ => None,
    }
}
