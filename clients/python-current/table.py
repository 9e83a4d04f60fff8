"""Reads an export as Parquet with DuckDB, and prints what is in it as a line of JSON."""

import json
import sys

import duckdb

table = duckdb.connect()
table.execute(f"CREATE VIEW spans AS FROM '{sys.argv[1]}'")


def rows(query):
    return [list(row) for row in table.execute(query).fetchall()]


def column(query):
    return [row[0] for row in rows(query)]


print(json.dumps({
    "rows": column("SELECT count(*) FROM spans")[0],
    "by_kind": rows("SELECT kind, count(*) FROM spans GROUP BY kind ORDER BY kind"),
    "p100_ns": column("SELECT max(duration_ns) FROM spans")[0],
    "start": column("SELECT min(start_time)::TIMESTAMP_NS::VARCHAR FROM spans")[0],
    "values": rows("""
        SELECT attributes['text'].string, attributes['on'].bool, attributes['code'].int, attributes['share'].double,
               attributes['raw'].bytes::VARCHAR, attributes['list'].json::VARCHAR
        FROM spans WHERE kind = 'server'""")[0],
    "events": rows("""
        SELECT event.name, event.attributes['exception.message'].string
        FROM (SELECT unnest(events) AS event FROM spans) ORDER BY event.time"""),
    "links": rows("""
        SELECT link.trace_id, link.span_id, link.trace_state
        FROM (SELECT unnest(links) AS link FROM spans)"""),
    "services": column("SELECT DISTINCT service_name FROM spans"),
    "scope": rows("SELECT DISTINCT scope_name, scope_version FROM spans")[0],
    "parents": column("SELECT parent_span_id FROM spans ORDER BY start_time"),
    "twice": column("SELECT attributes['twice'].int FROM spans WHERE name = 'SELECT'")[0],
    "with_otlp": column("SELECT name FROM spans WHERE otlp IS NOT NULL"),
}))
