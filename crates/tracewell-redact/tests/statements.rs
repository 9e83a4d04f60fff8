//! Statements without literals, by system.

use tracewell_redact::Redactor;

fn check(system: &str, table: &[(&str, &str)]) {
    let redactor = Redactor::secrets();
    for (text, expected) in table {
        let shown = |text: &str| {
            redactor.apply_statement(system, text).into_text(text).expect("nothing is dropped").into_owned()
        };
        assert_eq!(&shown(text), expected, "{text}");
        assert_eq!(&shown(expected), expected, "twice: {text}");
    }
}

#[test]
fn literals_of_sql_become_question_marks() {
    for system in ["postgresql", "mysql", "sqlite", "mssql", "oracle", ""] {
        check(
            system,
            &[
                ("SELECT * FROM users WHERE id = 5", "SELECT * FROM users WHERE id = ?"),
                ("SELECT 'it''s', -1.5e-10, 0xFF, .5 FROM t1", "SELECT ?, -?, ?, ? FROM t1"),
                ("SELECT a FROM t WHERE b IN (1, 2, 3)", "SELECT a FROM t WHERE b IN (?)"),
                (
                    "SELECT a FROM t WHERE b in ('x','y') AND c IN (?, ?)",
                    "SELECT a FROM t WHERE b in (?) AND c IN (?)",
                ),
                ("SELECT a FROM t WHERE b IN (-1, -2)", "SELECT a FROM t WHERE b IN (-?)"),
                (
                    "SELECT a FROM t WHERE b IN (SELECT c FROM d WHERE e = 1)",
                    "SELECT a FROM t WHERE b IN (SELECT c FROM d WHERE e = ?)",
                ),
                (
                    "INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y'), (3, 'z')",
                    "INSERT INTO t (a, b) VALUES (?, ?)",
                ),
                ("INSERT INTO t VALUES (1, DEFAULT), (2, 3)", "INSERT INTO t VALUES (?, DEFAULT), (?, ?)"),
                ("  SELECT\n\t1 /* secret */ + 2 -- more\n", "SELECT ? + ?"),
                ("SELECT 'never ends", "SELECT ?"),
                ("SELECT 1 /* never ends 'x'", "SELECT ?"),
                (
                    "UPDATE t SET a = NULL, b = TRUE WHERE c LIKE '%x%'",
                    "UPDATE t SET a = NULL, b = TRUE WHERE c LIKE ?",
                ),
                ("SELECT date '2026-01-01', N'x', X'ff'", "SELECT date ?, ?, ?"),
                ("EXEC p @a = 1, @b = 'x'", "EXEC p @a = ?, @b = ?"),
                ("LIMIT 10 OFFSET 20", "LIMIT ? OFFSET ?"),
                ("BEGIN", "BEGIN"),
                ("", ""),
            ],
        );
    }
}

#[test]
fn dialects_differ_in_their_quotes() {
    check(
        "postgresql",
        &[
            (
                r#"SELECT "u"."id" FROM "users" AS "u" WHERE x = $1"#,
                r#"SELECT "u"."id" FROM "users" AS "u" WHERE x = $1"#,
            ),
            (r"SELECT E'it\'s', 'C:\' , a", r"SELECT ?, ? , a"),
            ("SELECT $$secret$$, $tag$a $$ b$tag$, data->>'k', b #> '{a}'", "SELECT ?, ?, data->>?, b #> ?"),
            ("SELECT ARRAY[1,2,3], x::int, /* a /* b */ c */ y", "SELECT ARRAY[?], x::int, y"),
            ("WHERE id = ANY($1) AND b IN ($2, $3)", "WHERE id = ANY($1) AND b IN (?)"),
        ],
    );
    check(
        "mysql",
        &[
            (r#"SELECT `a`.`b`, "se\"cret", 'it\'s' # comment"#, "SELECT `a`.`b`, ?, ?"),
            ("SELECT 5--3", "SELECT ?--?"),
        ],
    );
    check(
        "mssql",
        &[("SELECT [a b].[c] FROM #t WHERE \"d\" = 'x'", "SELECT [a b].[c] FROM #t WHERE \"d\" = ?")],
    );
    check("oracle", &[("SELECT q'[it's]', :1, :name FROM dual", "SELECT ?, :1, :name FROM dual")]);
    check(
        "neo4j",
        &[("MATCH (n:User {name: \"bob\", age: 42}) RETURN n", "MATCH (n:User {name: ?, age: ?}) RETURN n")],
    );
    // Where the dialect is unknown, what may be a literal is one.
    check(
        "",
        &[
            (
                r#"SELECT "u"."id" FROM "users" WHERE "name" = "bob""#,
                r#"SELECT "u"."id" FROM "users" WHERE ? = ?"#,
            ),
            (r"SELECT 'C:\' AND x = 'secret'", "SELECT ?"),
            (r"SELECT 'it\'s secret'", "SELECT ?"),
            ("SELECT 1 # secret", "SELECT ?"),
        ],
    );
}

#[test]
fn keys_of_json_stay_and_values_go() {
    for system in ["mongodb", "elasticsearch", ""] {
        check(
            system,
            &[
                (
                    r#"{"find":"users","filter":{"mail":"a@b.c","age":{"$gt":5}}}"#,
                    r#"{"find":"users","filter":{"mail":?,"age":{"$gt":?}}}"#,
                ),
                (r#"{"a": [1, 2, "x"], "b": null, "c": true}"#, r#"{"a": [?], "b": null, "c": true}"#),
                (r#"{_id: ObjectId("5f"), n: 'x'}"#, r#"{_id: ObjectId(?), n: ?}"#),
                (r#"{"find":"two words"}"#, r#"{"find":?}"#),
                (r#"{"a":{"find":"users"}}"#, r#"{"a":{"find":?}}"#),
                (r#"{"a":"never ends"#, r#"{"a":?"#),
                (r#"[{"$match":{"a":"b"}},{"$limit":5}]"#, r#"[{"$match":{"a":?}},{"$limit":?}]"#),
            ],
        );
    }
    check("mongodb", &[(r#"db.users.find({"a":"secret"})"#, r#"db.users.find({"a":?})"#), ("secret", "?")]);
    check(
        "elasticsearch",
        &[(
            r#"POST /users/_search?q=secret {"query":{"match":{"a":"b"}}}"#,
            r#"POST /users/_search? {"query":{"match":{"a":?}}}"#,
        )],
    );
}

#[test]
fn commands_stay_and_arguments_go() {
    check(
        "redis",
        &[
            ("GET user:42", "GET ?"),
            ("SET user:42 secret EX 60", "SET ?"),
            ("AUTH hunter2", "AUTH ?"),
            ("CONFIG SET requirepass hunter2", "CONFIG SET ?"),
            ("PING", "PING"),
            ("MULTI\nSET a b\nEXEC", "MULTI\nSET ?\nEXEC"),
            ("SET a \"one\n\"two\"", "SET ?\n?"),
        ],
    );
    check("", &[("HSET user:42 mail a@b.c", "HSET ?"), ("SET a b", "SET ?"), ("SET a = 1", "SET a = ?")]);
}
