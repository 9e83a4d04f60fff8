//! What must be redacted, and what must not.

use tracewell_redact::{Redactor, Verdict};

fn shown(key: &str, value: &str) -> String {
    Redactor::secrets()
        .apply(key, value)
        .into_text(value)
        .expect("nothing is dropped by default")
        .into_owned()
}

fn check(table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(&shown("message", text), expected, "{text}");
        assert_eq!(&shown("message", expected), expected, "twice: {text}");
    }
}

#[test]
fn values_of_secret_keys_are_masked() {
    for (key, value) in [
        ("password", "hunter2"),
        ("http.request.header.authorization", "Bearer abc"),
        ("http.request.header.cookie", "sid=1; theme=dark"),
        ("user.ssn", "123-45-6789"),
        ("card.cvv", "123"),
        ("card_number", "4242424242424242"),
        ("db.query.parameter.name", "Amélie"),
        ("API-Key", "é"),
    ] {
        assert_eq!(shown(key, value), "****", "{key}");
    }
    for value in ["", "true", "False", "null"] {
        assert_eq!(shown("password", value), value);
    }
    assert_eq!(shown("password", "True!"), "****");
}

#[test]
fn what_may_be_shown_of_a_card_survives() {
    for (key, value) in [
        ("card_last4", "4242"),
        ("card_type", "visa"),
        ("credit_card_last4", "4242"),
        ("credit_card.brand", "mastercard"),
        ("payment.amount", "4242.42"),
        ("payment.id", "4242424242424241"),
    ] {
        assert_eq!(shown(key, value), value, "{key}");
    }
}

#[test]
fn tokens_are_known_by_their_shape() {
    let jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    check(&[
        (jwt, "[jwt]"),
        (&format!("got {jwt}, then left"), "got [jwt], then left"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0.", "[jwt]."),
        ("Bearer mF_9.B5f-4.1JqM", "Bearer [bearer]"),
        ("sent bearer 0123456789abcdef0123", "sent bearer [bearer]"),
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic [basic]"),
        ("Basic dXNlcjpwYXNz now", "Basic [basic] now"),
        ("AKIAIOSFODNN7EXAMPLE", "[aws]"),
        ("id=ASIAIOSFODNN7EXAMPLE;", "id=[aws];"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[github]"),
        ("github_pat_11ABCDEFG0123456789_abcdefghijklmnop", "[github]"),
        ("glpat-0123456789abcdefghij", "[github]"),
        ("xoxb-123456789012-abcdefGHIJ", "[slack]"),
        ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "[stripe]"),
        ("whsec_0123456789abcdef0123", "[stripe]"),
        ("AIzaSyA-1234567890abcdefghijklmnopqrstu", "[google]"),
        ("sk-proj-0123456789abcdefghijABCDEFGHIJ", "[api_key]"),
        ("sk-ant-api03-0123456789abcdefghij", "[api_key]"),
        ("npm_0123456789abcdefghijABCDEFGHIJ012345", "[api_key]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nok", "[private_key]\nok"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE and it is cut", "[private_key]"),
    ]);
}

#[test]
fn passwords_in_urls_are_masked() {
    check(&[
        ("postgres://app:hunter2@db:5432/shop?x=1", "postgres://app:****@db:5432/shop?x=1"),
        ("redis://:hunter2@cache:6379/0", "redis://:****@cache:6379/0"),
        ("amqp://u:p@ss@rabbit/vhost", "amqp://u:****@rabbit/vhost"),
        ("mysql://u:a/b?c@host/db", "mysql://u:****@host/db"),
        ("https://0123456789abcdef0123456789abcdef01234567@github.com/a/b", "https://****@github.com/a/b"),
        ("app:hunter2@tcp(db:3306)/shop", "app:****@tcp(db:3306)/shop"),
        ("https://e.com/?page=2&token=s3cr3t&sort=a", "https://e.com/?page=2&token=****&sort=a"),
        ("https://e.com/?api_key=s3cr3t#top", "https://e.com/?api_key=****"),
        (
            "https://s3/x?X-Amz-Signature=abcdef&X-Amz-Date=1",
            "https://s3/x?X-Amz-Signature=****&X-Amz-Date=1",
        ),
        ("https://blob/x?sv=2024&sig=abc%2Fdef%3D", "https://blob/x?sv=2024&sig=****"),
    ]);
}

#[test]
fn secrets_with_names_are_masked_inside_texts() {
    check(&[
        ("password=hunter2", "password=****"),
        ("user=bob password='hun ter2' x=1", "user=bob password='****' x=1"),
        (
            "Server=db;User Id=sa;Password=a,b&c!;Encrypt=true",
            "Server=db;User Id=sa;Password=****;Encrypt=true",
        ),
        ("Server=db; Password = hunter2; x", "Server=db; Password = ****; x"),
        (r#"{"user":"bob","password":"hun\"ter2","n":1}"#, r#"{"user":"bob","password":"****","n":1}"#),
        (r#"{"pin": 1234, "token": 5}"#, r#"{"pin": ****, "token": 5}"#),
        (r#"{"secrets":{"a":"b","c":["}"]},"n":1}"#, r#"{"secrets":****,"n":1}"#),
        (r#"body "{\"apiKey\":\"abc\",\"n\":1}""#, r#"body "{\"apiKey\":\"****\",\"n\":1}""#),
        ("Authorization: Digest username=\"bob\"\r\nHost: a", "Authorization: ****\r\nHost: a"),
        ("GET /\nCookie: a=b; c=d\nHost: a", "GET /\nCookie: ****\nHost: a"),
        ("curl -H 'Authorization: Token abc def' url", "curl -H 'Authorization: ****' url"),
        ("x-api-key: abc\nnext", "x-api-key: ****\nnext"),
        ("Ocp-Apim-Subscription-Key: abc", "Ocp-Apim-Subscription-Key: ****"),
        (
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=k+/y==;",
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=****;",
        ),
        (
            "Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=abc=",
            "Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=****",
        ),
        ("{\n  \"password\":\n    \"hunter2\"\n}", "{\n  \"password\":\n    \"****\"\n}"),
        (
            "<user><name>bob</name><Password type=\"x\">hunter2</Password></user>",
            "<user><name>bob</name><Password type=\"x\">****</Password></user>",
        ),
        ("user[name]=bob&user[password]=hunter2&x=1", "user[name]=bob&user[password]=****&x=1"),
        ("user%5Bpassword%5D=hunter2&x=1", "user%5Bpassword%5D=****&x=1"),
        (
            "{\"name\"=>\"bob\", \"password\"=>\"hunter2\", :token => \"abc\"}",
            "{\"name\"=>\"bob\", \"password\"=>\"****\", :token => \"****\"}",
        ),
        ("{Name:bob Password:hunter2 Age:5}", "{Name:bob Password:**** Age:5}"),
        ("User { name: \"bob\", password: \"hunter2\" }", "User { name: \"bob\", password: \"****\" }"),
        ("User(name=bob, password=hunter2)", "User(name=bob, password=****)"),
        ("map[Authorization:[Digest abc] Host:[a]]", "map[Authorization:****"),
        ("mysqldump --password hunter2 --host db", "mysqldump --password **** --host db"),
        ("config: {password: hunter2}", "config: {password: ****}"),
        ("--db-password=hunter2 --verbose", "--db-password=**** --verbose"),
    ]);
}

#[test]
fn card_numbers_need_more_than_luhn() {
    check(&[
        ("4242 4242 4242 4242", "****4242"),
        ("4242-4242-4242-4242.", "****4242."),
        ("amex 3782 822463 10005", "amex ****0005"),
        ("pay 4242 4242 4242 4242 2027", "pay ****4242 2027"),
        ("card 4242424242424242", "card ****4242"),
        ("paid by visa: 4012888888881881", "paid by visa: ****1881"),
        ("4242424242424242", "4242424242424242"),
        ("order 4242424242424242", "order 4242424242424242"),
        ("card id 4242424242424242", "card id 4242424242424242"),
        ("4242 4242 4242 4241", "4242 4242 4242 4241"),
        ("card 1700000000000", "card 1700000000000"),
        ("0000 0000 0000 0000", "0000 0000 0000 0000"),
        ("id-4242-4242-4242-4242", "id-4242-4242-4242-4242"),
    ]);
    assert_eq!(shown("payment.pan", "4242424242424242"), "****4242");
    assert_eq!(shown("card", "4242424242424242"), "****4242");
    for key in ["payment.id", "payment.reference", "card.id", "card_uuid", "order.id", "credit_note"] {
        assert_eq!(shown(key, "4242424242424242"), "4242424242424242", "{key}");
    }
    check(&[
        ("ssn 123-45-6789", "ssn [ssn]"),
        ("part 123-45-6789", "part 123-45-6789"),
        ("ssn 000-45-6789", "ssn 000-45-6789"),
    ]);
}

#[test]
fn what_is_no_secret_is_not_touched() {
    let redactor = Redactor::secrets();
    for text in [
        // Ids, hashes, versions, numbers, times.
        "0af7651916cd43dd8448eb211c80319c",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "550e8400-e29b-41d4-a716-446655440000",
        "12345678-1234-4234-8234-123412341234",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "d41d8cd98f00b204e9800998ecf8427e",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "v1.2.3-rc.1+build.5",
        "1700000000000",
        "1700000000",
        "1700000000000000000",
        "3.14159",
        "-273.15",
        "$19.99",
        "2026-11-21T19:15:00Z",
        "19:15:00.123",
        "2026-11-21 19:15",
        "+49 30 901820",
        "10.0.0.1:8080",
        "[::1]:4317",
        "4111-1111",
        "9780306406157",
        "978-0-306-40615-7",
        "urn:isbn:0451450523",
        "1e10",
        "0x1234567890123456",
        // Names, paths, URLs, code.
        "GET /users/{id}",
        "/api/v1/tokens/refresh",
        "https://example.com:8443/a/b?page=2&sort=name#top",
        "http://user@example.com/",
        "ssh://git@github.com/a/b.git",
        "mailto:bob@example.com",
        "bob@example.com",
        "https://github.com/@user/repo",
        "https://e.com/a:b@c",
        "arn:aws:iam::123456789012:role/app",
        "com.example.TokenService",
        "tokio::runtime::task",
        "task-0123456789012345678901",
        "risk-assessment-2026-01-01-final",
        "disk-sda1",
        "my_key_name",
        "primary_key=5",
        "key=value",
        "a==b",
        "x := y",
        "spinner=on",
        "pins=3",
        "tokens=120",
        "token_count=5",
        "password_length=8",
        "content-type: application/json",
        "--token is required",
        "--password or --token",
        "a -> b",
        "if a > b",
        "<token>",
        "</password>",
        "Vec<Token> {",
        "x => y",
        "x[1]=5",
        "list[pins]=3",
        "100%=all",
        // Stacks and errors.
        "at com.example.TokenService.token(TokenService.java:42)",
        "InvalidTokenException: JWT expired 5s ago",
        "TokenExpiredError: jwt expired",
        "token.rs:42:7",
        "  at login (password.js:10:5)",
        "CredentialsError: not found",
        "query($token: String!) { me(token: null) }",
        // Prose.
        "unexpected token: ';'",
        "invalid password: too short",
        "the token is missing",
        "bearer token is missing",
        "Bearer authentication required",
        "basic information",
        "Basic auth",
        "secret santa",
        "password required",
        "forgot your password?",
        "authorization failed: user is not allowed",
        "cookies are enabled",
        "eyJustAName.and.another",
        "if (token == null) return",
        "Slack xoxo-hugs",
        "AKIA is a prefix",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "user:password@",
        "::",
        "=",
        ":",
        "a=",
        "=a",
        "://",
        "://@",
        "token=",
        "token:",
        "",
        " ",
        "日本語 パスワード",
    ] {
        assert_eq!(redactor.apply("message", text), Verdict::Keep, "{text}");
        assert_eq!(redactor.apply_text(text), Verdict::Keep, "{text}");
    }
}

#[test]
fn numbers_are_secrets_under_few_keys() {
    let redactor = Redactor::secrets();
    let shown = |key: &str, number: i64| {
        redactor
            .apply_number(redactor.class_of(key), number)
            .into_text(&number.to_string())
            .unwrap()
            .into_owned()
    };
    assert_eq!(shown("pin", 1234), "****");
    assert_eq!(shown("card_number", 4_242_424_242_424_242), "****");
    assert_eq!(shown("card.value", 4_242_424_242_424_242), "****4242");
    assert_eq!(shown("order.id", 4_242_424_242_424_242), "4242424242424242");
    assert_eq!(shown("llm.token", 12), "12");
    assert_eq!(shown("db.query.parameter.0", 12), "****");
    assert_eq!(shown("pin", i64::MIN), "****");
}
