//! What goes wrong in the shop: codes, exceptions and their stacks.

use span::UnixNanos;

use crate::dice::Dice;
use crate::draft::{Attributes, DraftEvent};
use crate::operation::Class;
use crate::service::{Language, SERVICES, Service};

/// Stacks in the whole shop: three a service, and one more of the first.
const STACKS: usize = 40;

/// How an operation ended that did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) http: i64,
    pub(crate) grpc: i64,
    /// The status message.
    pub(crate) said: &'static str,
}

const FAILURES: [Failure; 6] = [
    Failure { http: 500, grpc: 13, said: "internal error" },
    Failure { http: 500, grpc: 2, said: "unexpected state" },
    Failure { http: 503, grpc: 14, said: "connection refused" },
    Failure { http: 503, grpc: 8, said: "pool exhausted" },
    Failure { http: 504, grpc: 4, said: "deadline exceeded" },
    Failure { http: 502, grpc: 14, said: "connection reset by peer" },
];

/// The places where services break, each with its stack.
#[derive(Debug)]
pub(crate) struct Stacks {
    stacks: Vec<String>,
}

impl Failure {
    pub(crate) fn roll(dice: &mut Dice) -> Self {
        *dice.pick(&FAILURES)
    }
}

impl Stacks {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let services = (0..STACKS).map(|number| &SERVICES[number % SERVICES.len()]);
        Self { stacks: services.map(|service| stack(service.name, service.language, dice)).collect() }
    }

    /// Returns the event that SDKs record for an exception.
    pub(crate) fn exception(
        &self,
        service: Service,
        class: &Class,
        failure: Failure,
        time: UnixNanos,
        dice: &mut Dice,
    ) -> DraftEvent {
        let language = service.deployment().language;
        let message = format!("{}: {} (ref {:08x})", subject(class), failure.said, dice.bits() >> 32);
        let place = service as usize + SERVICES.len() * dice.below(3) as usize;
        let name = exception_name(language, failure);
        let mut attributes = Attributes::default();
        attributes.fixed("exception.type", name);
        attributes.text("exception.stacktrace", head(language, name, &message) + &self.stacks[place]);
        attributes.text("exception.message", message);
        DraftEvent { time, name: "exception", attributes }
    }
}

fn subject(class: &Class) -> &'static str {
    match class {
        Class::HttpServer { .. } => "request failed",
        Class::GrpcServer { .. } => "call failed",
        Class::Sql { .. } => "query failed",
        Class::Redis { .. } => "redis command failed",
        Class::Producer { .. } => "message not published",
        Class::Consumer { .. } => "message not processed",
        Class::Internal { .. } => "step failed",
        Class::ExternalHttp { .. } => "upstream call failed",
    }
}

const fn exception_name(language: Language, failure: Failure) -> &'static str {
    let late = failure.grpc == 4;
    match language {
        Language::Cpp if late => "absl::DeadlineExceededError",
        Language::Cpp => "std::runtime_error",
        Language::Dotnet if late => "System.TimeoutException",
        Language::Dotnet => "System.InvalidOperationException",
        Language::Go if late => "context.deadlineExceededError",
        Language::Go => "*errors.errorString",
        Language::Java if late => "java.util.concurrent.TimeoutException",
        Language::Java => "java.lang.IllegalStateException",
        Language::Node if late => "TimeoutError",
        Language::Node => "Error",
        Language::Python if late => "TimeoutError",
        Language::Python => "RuntimeError",
        Language::Ruby if late => "Net::ReadTimeout",
        Language::Ruby => "RuntimeError",
        Language::Rust if late => "tokio::time::error::Elapsed",
        Language::Rust => "shipping::Error",
    }
}

/// Returns what stands above the frames.
fn head(language: Language, name: &str, message: &str) -> String {
    match language {
        Language::Go => format!("{message}\ngoroutine 1 [running]:\n"),
        Language::Python => "Traceback (most recent call last):\n".to_owned(),
        Language::Rust => String::new(),
        _ => format!("{name}: {message}\n"),
    }
}

/// Returns 12 to 30 frames.
fn stack(service: &str, language: Language, dice: &mut Dice) -> String {
    let frames = dice.between(12, 30);
    (0..frames).map(|depth| frame(service, language, depth, dice)).collect()
}

const NOUNS: [&str; 16] = [
    "order", "price", "stock", "session", "request", "payment", "carrier", "product", "cache", "query",
    "pool", "message", "quote", "tenant", "filter", "context",
];
const VERBS: [&str; 16] = [
    "handle", "load", "store", "find", "apply", "send", "check", "resolve", "open", "decode", "invoke",
    "dispatch", "acquire", "execute", "merge", "validate",
];

fn frame(service: &str, language: Language, depth: u64, dice: &mut Dice) -> String {
    let (verb, noun, other) = (*dice.pick(&VERBS), *dice.pick(&NOUNS), *dice.pick(&NOUNS));
    let line = dice.between(11, 640);
    let module = service.replace('-', "_");
    let (large, larger) = (capital(noun), capital(other));
    match language {
        Language::Java => {
            format!(
                "\tat com.shop.{module}.{other}.{large}Service.{verb}{larger}({large}Service.java:{line})\n"
            )
        }
        Language::Dotnet => format!(
            "   at Shop.{}.{large}Handler.{}{larger}Async() in /src/{}/{large}Handler.cs:line {line}\n",
            capital(&module),
            capital(verb),
            capital(&module)
        ),
        Language::Node => {
            format!("    at {large}.{verb}{larger} (/app/src/{other}/{noun}.js:{line}:{})\n", 5 + depth)
        }
        Language::Python => {
            format!(
                "  File \"/app/{module}/{noun}.py\", line {line}, in {verb}_{other}\n    return self.{other}.{verb}({noun})\n"
            )
        }
        Language::Ruby => format!("/app/lib/{module}/{noun}.rb:{line}:in 'Shop::{large}#{verb}_{other}'\n"),
        Language::Go => {
            format!(
                "shop/{module}/internal/{noun}.(*{large}).{}{larger}(...)\n\t/src/internal/{noun}/{other}.go:{line}\n",
                capital(verb)
            )
        }
        Language::Rust => {
            format!(
                "{depth:4}: {module}::{noun}::{verb}_{other}\n             at ./src/{noun}/{other}.rs:{line}:9\n"
            )
        }
        Language::Cpp => {
            format!(
                "#{depth:<2} {module}::{large}::{verb}{larger}(absl::string_view) at source/{noun}/{other}.cc:{line}\n"
            )
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_stacks_of_one_to_two_kilobytes() {
        let stacks = Stacks::new(&mut Dice::new(42)).stacks;
        assert_eq!(stacks.len(), 40);
        let mean = stacks.iter().map(String::len).sum::<usize>() / stacks.len();
        assert!((1_000..2_000).contains(&mean), "{mean}");
    }
}
