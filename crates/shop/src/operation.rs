//! What the services do: some 75 operations, and which of them calls which.
//!
//! An operation has a class (what instrumentation would see it), the median of its own time, and children:
//! how probable each is and how often it then happens. A child of another service is a call: a CLIENT span
//! in the caller and a SERVER span in the callee.

mod behind;
pub(crate) mod table;

use crate::service::Service;

/// Something a service does.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) service: Service,
    /// The span name.
    pub(crate) name: &'static str,
    pub(crate) class: Class,
    /// The median of the time it spends itself, in microseconds.
    pub(crate) median_us: u64,
    pub(crate) children: &'static [Child],
}

/// What an operation may call.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) operation: &'static Operation,
    pub(crate) probability: f64,
    pub(crate) least: u64,
    pub(crate) most: u64,
}

/// What instrumentation sees of an operation.
#[derive(Debug)]
pub(crate) enum Class {
    /// Serves HTTP. In the route, `{product}`, `{order}` and `{user}` are filled in.
    HttpServer { method: &'static str, route: &'static str },
    /// Serves gRPC.
    GrpcServer { rpc: &'static str, method: &'static str },
    /// Asks a database.
    Sql { system: Sql, database: &'static str, verb: &'static str, table: &'static str, text: &'static str },
    /// Asks Redis.
    Redis { command: &'static str, key: &'static str },
    /// Publishes to Kafka; what consumes the topic follows.
    Producer { topic: &'static str, consumers: &'static [&'static Operation] },
    /// Takes from Kafka.
    Consumer { topic: &'static str, group: &'static str },
    /// Works inside the process.
    Internal { file: &'static str, line: i64 },
    /// Calls somebody else's system over HTTP.
    ExternalHttp { method: &'static str, host: &'static str, path: &'static str },
}

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sql {
    Postgres,
    MySql,
}

impl Sql {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::MySql => "mysql",
        }
    }

    pub(crate) const fn address(self) -> &'static str {
        match self {
            Self::Postgres => "10.42.1.117",
            Self::MySql => "10.42.4.92",
        }
    }

    pub(crate) const fn port(self) -> i64 {
        match self {
            Self::Postgres => 5432,
            Self::MySql => 3306,
        }
    }
}

impl Operation {
    /// Tells whether another service reaches it over the network.
    pub(crate) const fn is_served(&self) -> bool {
        matches!(self.class, Class::HttpServer { .. } | Class::GrpcServer { .. })
    }
}

const fn operation(
    service: Service,
    name: &'static str,
    class: Class,
    median_us: u64,
    children: &'static [Child],
) -> Operation {
    Operation { service, name, class, median_us, children }
}

/// A child that happens once, if at all.
const fn once(operation: &'static Operation, probability: f64) -> Child {
    Child { operation, probability, least: 1, most: 1 }
}

/// A child that happens several times.
const fn many(operation: &'static Operation, probability: f64, least: u64, most: u64) -> Child {
    Child { operation, probability, least, most }
}

const fn sql(
    system: Sql,
    database: &'static str,
    verb: &'static str,
    table: &'static str,
    text: &'static str,
) -> Class {
    Class::Sql { system, database, verb, table, text }
}

const fn serves(rpc: &'static str, method: &'static str) -> Class {
    Class::GrpcServer { rpc, method }
}

const fn http(method: &'static str, route: &'static str) -> Class {
    Class::HttpServer { method, route }
}

const fn inside(file: &'static str, line: i64) -> Class {
    Class::Internal { file, line }
}
