//! Holds answers against `docs/api.yaml`: enough of OpenAPI 3.1 for that file, and no word of it ignored.

use serde_json::Value;

const DOCUMENT: &str = include_str!("../../../../docs/api.yaml");

/// Returns the document.
pub(crate) fn document() -> Value {
    serde_saphyr::from_str(DOCUMENT).expect("the document is YAML")
}

/// Checks an answer of a path, given as the document writes it.
pub(crate) fn check(path: &str, status: u16, content_type: &str, text: &str) {
    let document = document();
    let of_path = &document["paths"][path]["get"];
    assert!(of_path.is_object(), "{path} is not in the document");
    let reply = match &of_path["responses"][status.to_string()] {
        Value::Object(reply) => resolve(&document, &Value::Object(reply.clone())).clone(),
        _ => panic!("{path} answers {status}, which the document does not know: {text}"),
    };
    let Some(content) = reply["content"].as_object() else {
        assert_eq!(text, "", "{path} {status} has no body");
        return;
    };
    let schema =
        &content.get(content_type).unwrap_or_else(|| panic!("{path} answers {content_type}"))["schema"];
    let texts: Vec<&str> =
        if content_type == "application/x-ndjson" { text.lines().collect() } else { vec![text] };
    for text in texts {
        let value: Value = serde_json::from_str(text).unwrap_or_else(|why| panic!("{path}: {why}: {text}"));
        if let Err(why) = conforms(&document, schema, &value, "$") {
            panic!("{path} {status}: {why}\n{text}");
        }
    }
}

/// Tells where a value is not what a schema says.
fn conforms(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let keywords = schema.as_object().unwrap_or_else(|| panic!("{at}: a schema is an object"));
    for (keyword, wanted) in keywords {
        let fine = match keyword.as_str() {
            "$ref" => {
                conforms(document, resolve(document, schema), value, at)?;
                true
            }
            "type" => has_type(wanted.as_str().expect("a type is a word"), value),
            "enum" => wanted.as_array().expect("a list").contains(value),
            "const" => wanted == value,
            "pattern" => fits(wanted.as_str().expect("a pattern"), value.as_str().unwrap_or("?")),
            "minimum" => wanted.as_f64() <= value.as_f64(),
            "maximum" => value.as_f64() <= wanted.as_f64(),
            "minItems" => wanted.as_u64() <= value.as_array().map(|items| items.len() as u64),
            "maxItems" => value.as_array().map(|items| items.len() as u64) <= wanted.as_u64(),
            "required" => {
                let mut names = wanted.as_array().expect("a list").iter();
                names.all(|name| value.get(name.as_str().expect("a name")).is_some())
            }
            "properties" => {
                for (name, schema) in wanted.as_object().expect("properties") {
                    if let Some(value) = value.get(name) {
                        conforms(document, schema, value, &format!("{at}.{name}"))?;
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = schema["properties"].as_object().expect("it has properties");
                value.as_object().is_none_or(|object| object.keys().all(|name| known.contains_key(name)))
            }
            "items" => {
                for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                    conforms(document, wanted, item, &format!("{at}[{place}]"))?;
                }
                true
            }
            "allOf" => {
                for schema in wanted.as_array().expect("a list") {
                    conforms(document, schema, value, at)?;
                }
                true
            }
            "oneOf" => one_of(document, wanted, value, at)?,
            "description" | "examples" | "example" | "default" => true,
            other => panic!("{at}: the keyword '{other}' is not understood here"),
        };
        if !fine {
            return Err(format!("{at} is not {keyword} {wanted}: {value}"));
        }
    }
    Ok(())
}

fn one_of(document: &Value, schemas: &Value, value: &Value, at: &str) -> Result<bool, String> {
    let tried =
        schemas.as_array().expect("a list").iter().map(|schema| conforms(document, schema, value, at));
    let (good, bad): (Vec<_>, Vec<_>) = tried.partition(Result::is_ok);
    match good.len() {
        0 => Err(bad.into_iter().filter_map(Result::err).collect::<Vec<_>>().join("; or ")),
        count => Ok(count == 1),
    }
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(place) => {
            let place = place.strip_prefix('#').expect("references stay in the document");
            document.pointer(place).unwrap_or_else(|| panic!("{place} leads nowhere"))
        }
        None => schema,
    }
}

fn has_type(word: &str, value: &Value) -> bool {
    match word {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("the type '{other}' is not understood here"),
    }
}

/// The document's patterns, by hand: an engine for four of them would be another dependency.
fn fits(pattern: &str, text: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match pattern {
        "^[0-9]{1,20}$" => (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()),
        "^[0-9a-f]{32}$" => text.len() == 32 && hex(text),
        "^[0-9a-f]{16}$" => text.len() == 16 && hex(text),
        "^([0-9a-f]{16})*$" => text.len().is_multiple_of(16) && hex(text),
        other => panic!("the pattern {other} is not understood here"),
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_example_conforms() {
    fn walk(document: &Value, node: &Value, at: &str) {
        resolve(document, node);
        if node.get("type").is_some()
            && let Some(examples) = node.get("examples").and_then(Value::as_array)
        {
            for example in examples {
                conforms(document, node, example, at).unwrap();
            }
        }
        let children: Vec<(String, &Value)> = match node {
            Value::Object(object) => object.iter().map(|(key, child)| (key.clone(), child)).collect(),
            Value::Array(array) => {
                array.iter().enumerate().map(|(at, child)| (at.to_string(), child)).collect()
            }
            _ => return,
        };
        for (key, child) in children {
            walk(document, child, &format!("{at}/{key}"));
        }
    }
    let document = document();
    walk(&document, &document, "");
}
