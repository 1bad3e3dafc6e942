//! What the engine writes is read alike; anything else is refused.

use super::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// As the engine writes it.
#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(rename_all = "snake_case", tag = "how")]
enum Tagged {
    Well,
    Badly { since: i64, why: Option<String> },
    Held(Inner),
}

/// The same as the window reads it.
#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "snake_case", rename = "#how")]
enum Lightly {
    Well,
    Badly { since: i64, why: Option<String> },
    Held(Inner),
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Inner {
    name: String,
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(rename_all = "snake_case")]
enum Plain {
    One,
    Two(u8),
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Whole {
    text: String,
    yes: bool,
    count: u32,
    at: wire::Time,
    id: wire::IntegrationId,
    part: f64,
    none: Option<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_there: Option<u8>,
    list: Vec<(u8, String)>,
    map: BTreeMap<String, i64>,
    plain: Vec<Plain>,
    tagged: Vec<Tagged>,
    any: serde_json::Value,
}

fn whole() -> Whole {
    let held = Inner {
        name: "é\"\\\n".to_owned(),
    };
    Whole {
        text: "a \u{1f600} b".to_owned(),
        yes: true,
        count: 7,
        at: wire::Time(-3),
        id: "01890a5d-ac96-774b-bcce-b302099a8057"
            .parse()
            .expect("a UUID"),
        part: 0.25,
        none: None,
        left_out: vec![],
        not_there: None,
        list: vec![(1, "x".to_owned())],
        map: BTreeMap::from([("k".to_owned(), -1)]),
        plain: vec![Plain::One, Plain::Two(2)],
        tagged: vec![
            Tagged::Well,
            Tagged::Badly {
                since: -5,
                why: None,
            },
            Tagged::Held(held),
        ],
        any: serde_json::json!({ "a": [1, null, -2.5] }),
    }
}

#[test]
fn what_serde_json_writes_is_read_alike() {
    let json = serde_json::to_string(&whole()).expect("JSON");
    assert_eq!(read::<Whole>(&json), whole());
    let () = read("null");
    assert_eq!(read::<Option<Vec<Plain>>>("null"), None);
}

#[test]
fn a_tag_beside_the_fields_is_found_by_the_types_name() {
    let json = serde_json::to_string(&whole().tagged).expect("JSON");
    let read = read::<Vec<Lightly>>(&json);
    assert_eq!(read[0], Lightly::Well);
    let since = Lightly::Badly {
        since: -5,
        why: None,
    };
    assert_eq!(read[1], since);
    assert!(matches!(&read[2], Lightly::Held(inner) if inner.name == "é\"\\\n"));
}

fn is_refused<T: DeserializeOwned>(json: &'static str) -> bool {
    std::panic::catch_unwind(|| drop(read::<T>(json))).is_err()
}

#[test]
fn what_the_engine_would_not_write_is_not_taken_for_something() {
    for bad in ["", "{", "{}", "[]", "7", "{\"name\":7}", "\"x\"", "null"] {
        assert!(is_refused::<Inner>(bad), "{bad}");
    }
    for bad in ["{}", "[]", "\"none\"", "{\"how\":\"none\"}", "{\"how\":7}"] {
        assert!(is_refused::<Lightly>(bad), "{bad}");
    }
    assert!(is_refused::<u8>("300") && is_refused::<u8>("-1"));
    assert!(is_refused::<Plain>("{\"two\":300}"));
}

#[test]
fn a_refusal_is_the_engines_or_none() {
    let error = wire::Error::new(wire::ErrorCode::NotMcp).with("host", "example.com");
    let json = serde_json::to_string(&error).expect("JSON");
    assert_eq!(refusal(&json), Some(error));
    for other in ["", "\"not allowed\"", "{}", "null", "{\"code\":7}"] {
        assert_eq!(refusal(other), None, "{other}");
    }
}
