//! What sets a group of spans apart.

use serde_json::{Value, json};
use span::{StatusCode, ValueRef};
use store::conformance::{Sketch, one};

use super::{MILLI, THEN, World, refused, told};

const DOOR: &str = "/api/tw/differences";

/// A hundred calls, of which every fifth is slow: all slow ones with a card of one kind, half of all on one host, and
/// each with an id of its own. The slow ones fail, too, and say so in an attribute.
fn shop() -> World {
    let world = World::new();
    for n in 1..=100_u64 {
        let slow = n % 5 == 0;
        let card: &[u8] = if slow { b"amex" } else { b"visa" };
        let host: &[u8] = if n % 2 == 0 { b"a" } else { b"b" };
        let id = n.to_string();
        let mut attributes =
            vec![("card", ValueRef::Str(card)), ("request.id", ValueRef::Str(id.as_bytes()))];
        if slow {
            attributes.push(("why", ValueRef::Str(b"declined")));
        }
        world.keep(&[Sketch {
            id: 1,
            duration: if slow { 900 * MILLI } else { 10 * MILLI },
            status: if slow { StatusCode::Error } else { StatusCode::Unset },
            attributes: &attributes,
            of_resource: &[("host.name", ValueRef::Str(host))],
            ..one("pay", "Charge", n, THEN + 50 * MILLI * n)
        }]);
    }
    world
}

async fn ask(world: &World, parameters: &str) -> Value {
    told(world, DOOR, &format!("{DOOR}?{parameters}")).await
}

fn keys(answer: &Value) -> Vec<&str> {
    let attributes = answer["attributes"].as_array().unwrap().iter();
    attributes.map(|attribute| attribute["key"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_the_slow_ones_have_in_common_comes_first_and_chance_is_left_out() {
    let answer = ask(&shop(), "q=%7B%20duration%20%3E%20500ms%20%7D").await;
    assert_eq!(
        (&answer["selected"]["spans"], &answer["selected"]["errors"], &answer["rest"]["spans"]),
        (&json!(20), &json!(20), &json!(80))
    );
    assert_eq!(keys(&answer), ["status", "span.card", "span.why"]);
    let card = &answer["attributes"][1];
    assert_eq!((&card["score"], &card["has"]), (&json!(1), &json!([20, 80])));
    assert_eq!(
        card["values"],
        json!([
            {"text": "amex", "type": "string", "counts": [20, 0], "difference": 1},
            {"text": "visa", "type": "string", "counts": [0, 80], "difference": -1},
        ])
    );
    let p50 = answer["selected"]["p50Ns"].as_f64().unwrap() / (900 * MILLI) as f64;
    assert!((p50 - 1.0).abs() < 0.13, "{p50}");
    assert_eq!((&answer["others"], &answer["missing"]), (&json!(0), &json!([])));
    let failed = ask(&shop(), "q=%7Bstatus%3Derror%7D&limit=1").await;
    assert_eq!((keys(&failed), &failed["others"]), (vec!["span.card"], &json!(1)));
}

#[tokio::test]
async fn a_span_of_both_questions_is_counted_as_selected_alone() {
    let world = shop();
    let amex = "q=%7B%20span.card%20%3D%20%22amex%22%20%7D";
    let on_a = ask(&world, &format!("{amex}&against=%7B%20resource.host.name%20%3D%20%22a%22%20%7D")).await;
    assert_eq!((&on_a["selected"]["spans"], &on_a["rest"]["spans"]), (&json!(20), &json!(40)));
    assert_eq!(keys(&on_a)[0], "status");
    let nothing_else = ask(&world, &format!("{amex}&against={}", &amex[2..])).await;
    assert_eq!((&nothing_else["rest"]["spans"], &nothing_else["attributes"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn windows_are_compared_too() {
    let world = shop();
    let (start, middle) = (THEN, THEN + 2_525 * MILLI);
    let late = format!("from={middle}&againstFrom={start}&againstTo={middle}");
    let answer = ask(&world, &late).await;
    assert_eq!((&answer["selected"]["spans"], &answer["rest"]["spans"]), (&json!(50), &json!(50)));
    let within = ask(&world, &format!("from={middle}&againstFrom={start}")).await;
    assert_eq!((&within["selected"]["spans"], &within["rest"]["spans"]), (&json!(50), &json!(50)));
    assert_eq!(
        refused(&world, DOOR, &format!("{DOOR}?againstTo=now-2h"), 400).await,
        "'againstFrom' must be before 'againstTo'"
    );
    assert!(refused(&world, DOOR, &format!("{DOOR}?against=%7B%20x%20%7D"), 400).await.contains("no field"));
}

#[tokio::test]
async fn what_is_told_apart_by_too_many_values_is_named() {
    let world = World::new();
    for n in 1..=502_u64 {
        let id = n.to_string();
        let attributes = [("id", ValueRef::Str(id.as_bytes()))];
        world.keep(&[Sketch { attributes: &attributes, ..one("web", "GET", n, THEN + MILLI * n) }]);
    }
    let answer = ask(&world, "q=%7B%20.id%20%3D%207%20%7D").await;
    assert_eq!(answer["missing"], json!(["span.id has more than 500 values and cannot be compared"]));
    assert_eq!(answer["attributes"], json!([]));
}
