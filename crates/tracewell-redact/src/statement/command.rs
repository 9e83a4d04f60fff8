//! Statements of Redis and memcached: the command stays, its arguments go.
//!
//! One command a line, as pipelines are written. Commands that are two words (`CONFIG SET`) keep both.

use super::output::Output;

/// Commands whose next word says which.
const CONTAINERS: [&[u8]; 15] = [
    b"ACL",
    b"CLIENT",
    b"CLUSTER",
    b"COMMAND",
    b"CONFIG",
    b"DEBUG",
    b"FUNCTION",
    b"LATENCY",
    b"MEMORY",
    b"MODULE",
    b"OBJECT",
    b"PUBSUB",
    b"SCRIPT",
    b"SLOWLOG",
    b"XINFO",
];

/// Commands that no SQL begins with.
const KNOWN: [&[u8]; 68] = [
    b"APPEND",
    b"AUTH",
    b"BLPOP",
    b"BRPOP",
    b"DECR",
    b"DECRBY",
    b"DEL",
    b"ECHO",
    b"EVAL",
    b"EVALSHA",
    b"EXISTS",
    b"EXPIRE",
    b"EXPIREAT",
    b"GEOADD",
    b"GET",
    b"GETDEL",
    b"GETEX",
    b"GETSET",
    b"HDEL",
    b"HELLO",
    b"HEXISTS",
    b"HGET",
    b"HGETALL",
    b"HINCRBY",
    b"HKEYS",
    b"HLEN",
    b"HMGET",
    b"HMSET",
    b"HSET",
    b"HSETNX",
    b"INCR",
    b"INCRBY",
    b"KEYS",
    b"LINDEX",
    b"LLEN",
    b"LPOP",
    b"LPUSH",
    b"LRANGE",
    b"LREM",
    b"LTRIM",
    b"MGET",
    b"MSET",
    b"MSETNX",
    b"MULTI",
    b"PERSIST",
    b"PEXPIRE",
    b"PFADD",
    b"PING",
    b"PSETEX",
    b"PUBLISH",
    b"RPOP",
    b"RPUSH",
    b"SADD",
    b"SCARD",
    b"SET",
    b"SETEX",
    b"SETNX",
    b"SISMEMBER",
    b"SMEMBERS",
    b"SREM",
    b"SUBSCRIBE",
    b"TTL",
    b"UNLINK",
    b"XADD",
    b"XREAD",
    b"ZADD",
    b"ZRANGE",
    b"ZREM",
];

pub(super) fn is_known(verb: &[u8]) -> bool {
    let is = |names: &[&[u8]]| names.iter().any(|name| name.eq_ignore_ascii_case(verb));
    is(&KNOWN) || is(&CONTAINERS)
}

pub(super) fn obfuscate(text: &[u8]) -> Option<Vec<u8>> {
    let mut output = Output::new(text);
    let mut at = 0;
    while at < text.len() {
        let end = at + text[at..].iter().position(|byte| *byte == b'\n').unwrap_or(text.len() - at);
        line(text, at, end, &mut output);
        at = (end + 1).min(text.len());
        output.copy(end, at);
    }
    output.finish()
}

fn line(text: &[u8], start: usize, end: usize, output: &mut Output<'_>) {
    let mut kept = word_end(text, start, end);
    // A line that does not begin with a word is the rest of a value of the line before.
    let verb = &text[start..kept];
    if verb.is_empty()
        || !verb.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'.' || *byte == b'_')
    {
        output.put(if start == end { b"" } else { b"?" }, start, end);
        return;
    }
    if CONTAINERS.iter().any(|name| name.eq_ignore_ascii_case(verb)) {
        let next = word_end(text, (kept + 1).min(end), end);
        if kept + 1 < next && text[kept + 1..next].iter().all(u8::is_ascii_alphabetic) {
            kept = next;
        }
    }
    output.copy(start, kept);
    if !text[kept..end].trim_ascii().is_empty() {
        output.put(b" ?", kept, end);
    } else {
        output.put(b"", kept, end);
    }
}

fn word_end(text: &[u8], start: usize, end: usize) -> usize {
    start + text[start..end].iter().take_while(|byte| !byte.is_ascii_whitespace()).count()
}
