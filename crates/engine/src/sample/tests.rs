use super::*;
use crate::{
    connectors::{Config, Connector, Supplies},
    http::Http,
    vault::Credential,
};
use serde_json::{Value, json};
use wire::Risk;

async fn connected() -> (Sample, Connector, Credential) {
    let sample = Sample::start().await.expect("loopback");
    let token = Sample::fresh_token();
    sample.allow_token(&token);
    let http = Http::new().expect("TLS");
    let connector = {
        let supplies = Supplies {
            sample: Some(sample.url()),
            ..Supplies::default()
        };
        Connector::new(&Config::Sample, &http, supplies).expect("a connector")
    };
    (sample, connector, Credential::Bearer { token })
}

async fn call(
    connector: &Connector,
    credential: &Credential,
    tool: &str,
    arguments: Value,
) -> Value {
    let cancel = CancellationToken::new();
    connector
        .call(credential, tool, arguments, cancel)
        .await
        .unwrap_or_else(|error| panic!("{tool}: {error}"))
}

#[tokio::test]
async fn six_harmless_tools_work_over_the_usual_path() {
    let (_sample, connector, credential) = connected().await;
    let pong = connector.ping(&credential).await.expect("a ping");
    assert_eq!(pong.server_name().as_deref(), Some("Chief sample"));

    let tools = connector.list_tools(&credential).await.expect("tools");
    assert_eq!(tools.len(), 6);
    for tool in &tools {
        assert!(
            tool.description.len() > 20 && tool.title.is_some(),
            "{tool:?}"
        );
        let expected = if tool.name == "keep_note" {
            Risk::Writes
        } else {
            Risk::Reads
        };
        assert_eq!(tool.risk, expected, "{}", tool.name);
    }

    let echo = call(&connector, &credential, "echo", json!({ "text": "hello" })).await;
    assert_eq!(echo["content"][0]["text"], "hello");
    let sum = call(
        &connector,
        &credential,
        "add",
        json!({ "numbers": [1, 2.5] }),
    )
    .await;
    assert_eq!(sum["structuredContent"]["sum"], 3.5);
    let rolled = call(&connector, &credential, "roll_dice", json!({ "count": 3 })).await;
    let dice = rolled["structuredContent"]["dice"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert!(
        dice.len() == 3
            && dice
                .iter()
                .all(|die| (1..=6).contains(&die.as_u64().unwrap_or(0))),
        "{rolled}"
    );
    let time = call(&connector, &credential, "current_time", json!({})).await;
    assert!(
        time["structuredContent"]["unix_ms"].as_u64() > Some(1_700_000_000_000),
        "{time}"
    );
    let quotes = call(
        &connector,
        &credential,
        "list_quotes",
        json!({ "about": "journey" }),
    )
    .await;
    assert!(
        quotes["content"][0]["text"]
            .as_str()
            .is_some_and(|text| text.contains("Lao Tzu")),
        "{quotes}"
    );
    call(
        &connector,
        &credential,
        "keep_note",
        json!({ "text": "one" }),
    )
    .await;
    let kept = call(
        &connector,
        &credential,
        "keep_note",
        json!({ "text": "two" }),
    )
    .await;
    assert_eq!(
        kept["content"][0]["text"], "Kept. Notes so far: 2.",
        "notes outlive a request"
    );

    let refused = call(
        &connector,
        &credential,
        "roll_dice",
        json!({ "count": 101 }),
    )
    .await;
    assert_eq!(refused["isError"], true, "{refused}");
}

#[tokio::test]
async fn only_its_token_opens_it() {
    let (sample, connector, credential) = connected().await;
    let other = Credential::Bearer {
        token: Sample::fresh_token(),
    };
    for wrong in [&other, &Credential::None] {
        let error = connector.ping(wrong).await.expect_err("not let in");
        assert_eq!(error.code, ErrorCode::Rejected);
    }
    connector
        .ping(&credential)
        .await
        .expect("the right one still opens it");
    let (Credential::Bearer { token: one }, Credential::Bearer { token: two }) =
        (&credential, &other)
    else {
        panic!("bearers")
    };
    sample.allow_token(two);
    sample.forbid_token(one);
    let error = connector
        .ping(&credential)
        .await
        .expect_err("after Disconnect");
    assert_eq!(error.code, ErrorCode::Rejected);
    connector
        .ping(&other)
        .await
        .expect("another card's token still opens it");
}

#[tokio::test]
async fn web_pages_and_other_names_are_refused_even_with_the_token() {
    let (sample, _, credential) = connected().await;
    let Credential::Bearer { token } = &credential else {
        panic!("a bearer")
    };
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let port = sample.url().port().expect("a port");
    for (name, value) in [
        ("host", "evil.example".to_owned()),
        ("host", format!("localhost:{port}")),
        ("origin", "https://evil.example".to_owned()),
        ("origin", format!("http://127.0.0.1:{port}")),
        ("origin", "null".to_owned()),
    ] {
        let answer = client
            .post(sample.url())
            .bearer_auth(token.reveal())
            .header(name, &value)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status().as_u16(), 403, "{name}: {value}");
    }
}
