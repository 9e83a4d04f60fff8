//! Properties: redacting twice is redacting once, any bytes are survived, and no secret stays.

#[expect(unreachable_pub, reason = "to the fuzz targets it is a library")]
#[path = "../../../fuzz/src/redact.rs"]
mod redact;

use proptest::collection::vec;
use proptest::prelude::*;
use tracewell_redact::{Mode, Redactor, Rule, Rules};

/// Pieces of which the shapes are made, and what may stand between them.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z0-9 =:;,&?@/.\"'\\\\{}\\[\\]()*#$_-]{0,6}",
        prop::sample::select(vec![
            "password",
            "token=",
            "\"pin\":",
            "Cookie: ",
            "4242 4242 4242 4242",
            "4242",
            "card ",
            "visa",
            "[card]",
            "****",
            "[jwt]",
            "[key~0123456789abcdef]",
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.x",
            "Bearer ",
            "Basic ",
            "dXNlcjpwYXNz",
            "AKIAIOSFODNN7EXAMPLE",
            "sk-0123456789abcdefghij01",
            "xoxb-0123456789ab",
            "://",
            "u:p@",
            "@tcp(",
            "-----BEGIN PRIVATE KEY-----",
            "-----END ",
            "ssn ",
            "123-45-6789",
            "\n",
            "é",
            "?",
            " IN (",
            "VALUES (",
            "1, 2",
            "), (",
            "'",
            "\"",
            "--",
            "/*",
            "*/",
            "$$",
            "q'[",
            "#",
            "`",
            "{\"find\":",
            "<token>",
            "--token ",
            "=>",
        ])
        .prop_map(str::to_owned),
    ];
    vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// Secrets that nobody has by chance, each as it is sent and the part of it that must go.
fn secrets() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        "[A-Za-z0-9]{36}".prop_map(|random| (format!("ghp_{random}1"), random)),
        "[A-Z0-9]{16}".prop_map(|random| (format!("AKIA{random}"), random)),
        "[A-Za-z0-9]{24}".prop_map(|random| (format!("sk_live_{random}1"), random)),
        "[A-Za-z0-9_-]{30}".prop_map(|random| (format!("eyJhbGciOiJIUzI1NiJ9.{random}.{random}"), random)),
        "[A-Za-z0-9]{20}".prop_map(|random| (format!("Bearer {random}1a"), random)),
        "[a-z0-9]{12}".prop_map(|random| (format!("postgres://app:{random}@db/x"), random)),
        "[a-z0-9!%*+.~^]{12}".prop_map(|random| (format!("password={random}"), random)),
        "[a-z0-9 !%*+.~^,;&]{12}".prop_map(|random| (format!("{{\"password\":\"{random}\"}}"), random)),
        "[a-z0-9 !%*+.~^,;&]{12}"
            .prop_map(|random| (format!("Cookie: a={random}"), random.trim().to_owned())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn twice_is_once(key in "(message|password|card|db.query.text)?", value in pieces()) {
        redact::attribute(format!("{key}\n{value}").as_bytes());
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..200)) {
        redact::attribute(&bytes);
    }

    #[test]
    fn no_secret_stays(before in "[a-z ,.!]{0,20}", secret in secrets(), after in "[a-z ,.!]{0,20}") {
        let text = format!("{before} {} {after}", secret.0);
        let verdict = Redactor::secrets().apply_text(&text);
        let shown = verdict.into_text(&text).expect("nothing is dropped by default");
        prop_assert!(!shown.contains(&secret.1), "{} of {}", shown, text);
    }

    #[test]
    fn no_literal_stays(before in "[a-z =,]{0,20}", literal in "[a-z0-9 =,()\"]{6,20}", after in "[a-z =,]{0,20}") {
        // Upper case: nothing else of the statement has it.
        let literal = format!("X{}X", literal.to_uppercase());
        for system in ["", "postgresql", "mysql", "mssql", "oracle"] {
            let text = format!("select {before} '{literal}' {after}");
            let shown = Redactor::secrets().apply_statement(system, &text);
            prop_assert!(!shown.into_text(&text).expect("nothing is dropped by default").contains(&literal));
        }
    }

    #[test]
    fn equal_secrets_have_equal_hashes(one in "[a-z0-9]{8,20}", other in "[a-z0-9]{8,20}") {
        let mut rules = Rules { hmac_key: b"sixteen bytes ok".to_vec(), ..Rules::secrets() };
        rules.modes.set(Rule::Key, Mode::Hmac);
        let redactor = Redactor::new(&rules).expect("the rules are good");
        let hash = |value: &str| redactor.apply("password", value);
        prop_assert_eq!(hash(&one), hash(&one));
        prop_assert_eq!(hash(&one) == hash(&other), one == other);
    }
}

/// Work that grows with the square of these lengths would take minutes.
#[test]
fn hostile_repetitions_are_linear() {
    let redactor = Redactor::secrets();
    for piece in [
        "sk-",
        "ghp_",
        "-eyJ",
        "-eyJa.",
        "eyJ.",
        "a://",
        "a://a:x/",
        "a://a@",
        "u:@tcp(",
        "Cookie: ",
        "x cookie: ",
        "token",
        "token=",
        "token:",
        "\"token\":",
        "\"token\":1",
        "\"token\":[",
        "bearer ",
        "Basic ",
        "Basic a",
        "=",
        ":",
        "a=",
        "a,",
        "token=a,b&",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY",
        "4242 ",
        "4242-",
        "4",
        "card 4242424242424241 ",
        "AKIA",
        "-AKIA",
        "AIza",
        "-AIza",
        "ssn 123-45-6789",
        "****",
        "[",
        "[jwt",
        "'",
        "\"",
        "`",
        "$a",
        "$$",
        "$a$",
        "q'[",
        "/*",
        "*/",
        "--",
        "(",
        "IN (1,",
        "VALUES (1),",
        "(1),",
        ",",
        " ",
        "\n",
        "{",
        "{\"a\":",
        "[1,",
        "'\\",
        "E'",
        "#",
        "\\\"",
        "<token>",
        "<token",
        ">",
        "--token ",
        "a[token]",
        "token=>",
        "x Token:a",
        "_",
        "\u{e9}",
        "a b",
    ] {
        let text = piece.repeat(100_000 / piece.len());
        redactor.apply_text(&text);
        redactor.apply_statement("", &text);
    }
}

#[test]
fn every_input_in_the_corpus_is_survived() {
    let folder = format!("{}/../../fuzz/corpus/redact", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        redact::attribute(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(5 <= count);
}
