//! Database statements without their literals.
//!
//! A small lexer for each family of languages, never a parser: it must survive what is cut, wrong, or
//! of a dialect that it has not seen. Where it cannot tell a literal from something else it takes the
//! literal; where it cannot tell an end it takes the rest.
//!
//! The result is stable: equal shapes give equal texts, and doing it twice changes nothing.

mod command;
mod json;
mod output;
mod sql;

use sql::Dialect;

/// The families.
enum Family {
    Sql(Dialect),
    /// MongoDB, Elasticsearch, OpenSearch, CouchDB, Cosmos DB.
    Json,
    /// Redis, memcached.
    Command,
}

/// Keys under which statements stand.
const KEYS: [&[u8]; 8] = [
    b"db.statement",
    b"db.query.text",
    b"sql.query",
    b"sql.statement",
    b"sql",
    b"db.sql",
    b"mongodb.query",
    b"redis.command",
];

/// Tells whether the values of a key are statements.
pub(crate) fn is_statement_key(key: &[u8]) -> bool {
    KEYS.contains(&key)
}

/// Tells whether the values of a key are what was bound to a statement's placeholders.
pub(crate) fn is_bound_key(key: &[u8]) -> bool {
    key.starts_with(b"db.query.parameter.")
}

/// Returns the statement without its literals, or nothing if it has none.
pub(crate) fn obfuscate(system: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    match family(system).unwrap_or_else(|| guess(text)) {
        Family::Sql(dialect) => sql::obfuscate(dialect, text),
        Family::Json => json::obfuscate(text),
        Family::Command => command::obfuscate(text),
    }
}

/// The family by the names that OpenTelemetry gives to systems, of now and before.
fn family(system: &[u8]) -> Option<Family> {
    Some(match system {
        b"mysql" | b"mariadb" | b"clickhouse" | b"spanner" | b"gcp.spanner" | b"hive" | b"neo4j"
        | b"tidb" | b"singlestore" | b"databricks" | b"spark" | b"bigquery" | b"influxdb" => {
            Family::Sql(Dialect::MySql)
        }
        b"postgresql" | b"postgres" | b"cockroachdb" | b"redshift" | b"aws.redshift" | b"greenplum"
        | b"timescaledb" | b"yugabytedb" | b"edgedb" | b"duckdb" => Family::Sql(Dialect::Postgres),
        b"mssql" | b"microsoft.sql_server" | b"mssqlcompact" | b"sybase" => Family::Sql(Dialect::SqlServer),
        b"sqlite" | b"oracle" | b"oracle.db" | b"db2" | b"ibm.db2" | b"h2" | b"h2database" | b"hsqldb"
        | b"derby" | b"firebird" | b"firebirdsql" | b"informix" | b"ibm.informix" | b"cassandra"
        | b"scylladb" | b"trino" | b"presto" | b"teradata" | b"vertica" | b"hana" | b"hanadb"
        | b"sap.hana" | b"dynamodb" | b"aws.dynamodb" => Family::Sql(Dialect::Ansi),
        b"mongodb" | b"elasticsearch" | b"opensearch" | b"couchdb" | b"cosmosdb" | b"azure.cosmosdb"
        | b"couchbase" | b"documentdb" => Family::Json,
        b"redis" | b"memcached" | b"valkey" | b"keydb" => Family::Command,
        _ => return None,
    })
}

/// The family by the looks of the statement.
fn guess(text: &[u8]) -> Family {
    let text = text.trim_ascii();
    if text.starts_with(b"{") || text.starts_with(b"[") {
        return Family::Json;
    }
    let verb_len = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (verb, rest) = text.split_at(verb_len);
    let is = |names: &[&[u8]]| names.iter().any(|name| name.eq_ignore_ascii_case(verb));
    if is(&[b"GET", b"POST", b"PUT", b"DELETE", b"HEAD"]) && rest.starts_with(b" /") {
        return Family::Json;
    }
    // Of both worlds: SQL's has an equals sign or more words than a command would.
    let is_sql_set = is(&[b"SET"])
        && (rest.contains(&b'=') || rest.trim_ascii().to_ascii_lowercase().starts_with(b"transaction"));
    if !is_sql_set && command::is_known(verb) {
        return Family::Command;
    }
    Family::Sql(Dialect::Unknown)
}
