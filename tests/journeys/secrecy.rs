//! Secrets go in and never come out: planted ones, through whole journeys that go well and that do
//! not, at servers that repeat whatever they are sent, searched for in everything that is kept or said.

mod everything;

use crate::kit::{
    Home,
    authority::Authority,
    browser::{self, altered, look, to_callback},
    log_file, mcp,
    scripted::{Scripted, Seen, json as json_answer, redirect, text, with_header},
    search::{self, Needles},
    targets,
};
use anyhow::Result;
use axum::response::Response;
use engine::ports::Keyring;
use everything::{keep_everything, read_everything};
use serde_json::json;
use std::{fs, sync::Arc, sync::atomic::Ordering};

/// Everything that a home keeps and says, but for the log, which all journeys share.
fn leaks(home: &Home, needles: &Needles) -> Result<Vec<String>> {
    let mut found = search::search_folder(home.folder(), needles)?;
    for said in home.said() {
        let command: String = said.chars().take(40).collect();
        found.extend(search::search(
            &format!("the reply or event {command}…"),
            said.as_bytes(),
            needles,
        ));
    }
    for item in home.keyring.items() {
        let bytes = home.keyring.read(&item)?.unwrap_or_default();
        found.extend(search::search(
            &format!("the keyring's item {item}"),
            &bytes,
            needles,
        ));
    }
    found.extend(search::search_arguments(needles)?);
    Ok(found)
}

fn leaks_in_log(needles: &Needles) -> Result<Vec<String>> {
    let log = fs::read(log_file()?)?;
    let mut found = search::search("the log", &log, needles);
    if !found.is_empty() {
        // Which lines, so that it can be mended.
        let lines = log
            .split(|byte| *byte == b'\n')
            .filter(|line| !needles.found_in(line).is_empty());
        found.extend(
            lines
                .take(5)
                .map(|line| String::from_utf8_lossy(line).chars().take(300).collect()),
        );
    }
    Ok(found)
}

#[tokio::test]
async fn the_search_finds_what_is_planted_in_every_form_and_place() -> Result<()> {
    use base64::{Engine as _, engine::general_purpose as form};
    let home = Home::new().await?;
    let secret = search::canary("planted");
    let needles = Needles::new([("the planted one", secret.as_str())])?;
    assert!(
        leaks(&home, &needles)?.is_empty() && leaks_in_log(&needles)?.is_empty(),
        "it is not there yet"
    );

    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let escaped: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let forms: [(&str, Vec<u8>); 9] = [
        ("as it is", secret.clone().into_bytes()),
        ("in JSON", json!({ "x": secret }).to_string().into_bytes()),
        ("in base64", form::STANDARD.encode(&secret).into_bytes()),
        (
            "in base64 with a name before it",
            form::STANDARD.encode(format!("ann:{secret}")).into_bytes(),
        ),
        (
            "in base64url",
            form::URL_SAFE_NO_PAD
                .encode(format!("xx{secret}yy"))
                .into_bytes(),
        ),
        ("in hex", hex.into_bytes()),
        ("escaped", escaped.into_bytes()),
        (
            "in UTF-16",
            secret.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        (
            "cut",
            secret.as_bytes().get(4..).unwrap_or_default().to_vec(),
        ),
    ];
    for (how, bytes) in forms {
        let file = home.folder().join("backups").join("planted");
        fs::create_dir_all(home.folder().join("backups"))?;
        fs::write(&file, [b"before".as_slice(), &bytes, b"after"].concat())?;
        assert!(
            !leaks(&home, &needles)?.is_empty(),
            "planted in a file {how}"
        );
        fs::remove_file(file)?;
    }
    // In the database's own log, as a column.
    let name = json!({ "settings": { "person": secret.chars().take(60).collect::<String>(), "theme": "dark" } });
    home.ask::<wire::SaveSettings>(name).await?;
    assert!(
        !leaks(&home, &needles)?.is_empty(),
        "planted in the database"
    );
    home.ask::<wire::GetSettings>(json!({})).await?;
    assert!(
        leaks(&home, &needles)?
            .iter()
            .any(|found| found.contains("reply")),
        "planted in a reply"
    );
    tracing::trace!(planted = %secret, "the search must find this line");
    assert!(!leaks_in_log(&needles)?.is_empty(), "planted in the log");
    let mut child = tokio::process::Command::new("sleep")
        .arg("60")
        .arg0(&secret)
        .kill_on_drop(true)
        .spawn()?;
    // While it is becoming another program, a process has no arguments to show.
    let began = std::time::Instant::now();
    while search::search_arguments(&needles)?.is_empty() {
        crate::kit::tick(began, "the arguments of a child to be found").await?;
    }
    child.kill().await?;
    Ok(())
}

/// A server that says everything it was sent back, with this status.
fn echo(status: u16, seen: &Seen) -> Response {
    let body = String::from_utf8_lossy(&seen.bytes()).into_owned();
    let challenge = format!(
        "Bearer realm=\"{}\"",
        seen.header("authorization").replace('"', "")
    );
    with_header(
        json_answer(
            status,
            &json!({ "error": body, "error_description": body, "message": body }),
        ),
        "www-authenticate",
        &challenge,
    )
}

#[tokio::test]
async fn keys_that_work_and_keys_that_do_not_are_kept_and_said_nowhere() -> Result<()> {
    let home = Home::new().await?;
    let mut planted: Vec<(String, String)> = vec![];
    let mut plant = |what: &str| {
        let secret = search::canary(what);
        planted.push((what.to_owned(), secret.clone()));
        secret
    };

    // An API that repeats what it is sent, and refuses whoever comes with a wrong key.
    let right = plant("right key");
    let wanted = right.clone();
    let api = Scripted::serve(move |seen: Seen| {
        let is_right = String::from_utf8_lossy(&seen.bytes()).contains(&wanted)
            || seen.asked("api_key").as_deref() == Some(&*wanted)
            || seen.header("authorization").starts_with("Basic");
        async move {
            match (seen.path.as_str(), is_right) {
                ("/redirect", _) => {
                    redirect(302, &format!("http://127.0.0.1:9/elsewhere?{}", seen.query))
                }
                ("/broken", _) => echo(500, &seen),
                (_, true) => echo(200, &seen),
                (_, false) => echo(401, &seen),
            }
        }
    })
    .await?;
    let auths = |key: &str| {
        [
            targets::bearer(key),
            targets::header("X-Api-Key", key),
            targets::query("api_key", key),
        ]
    };
    for health in ["/health", "/redirect", "/broken"] {
        let wrong = plant("wrong key");
        for auth in auths(&wrong) {
            let attempt = home.begin(targets::api(&api.url(""), health, auth)).await?;
            home.fails(attempt).await?;
        }
    }
    let basic = plant("basic password");
    for (index, auth) in auths(&right)
        .into_iter()
        .chain([targets::basic("ann", &basic)])
        .enumerate()
    {
        let id = home
            .connect(targets::api(
                &api.url(&format!("/{index}")),
                "/health",
                auth,
            ))
            .await?;
        keep_everything(&home, id).await?;
        home.test(id).await?;
        for path in ["/orders", "/missing"] {
            let answer = home
                .call(
                    id,
                    "call",
                    json!({ "method": "POST", "path": path, "body": { "n": 1 } }),
                )
                .await?;
            let found = search::search(
                "a tool's answer",
                answer.to_string().as_bytes(),
                &needles_of(&[&right, &basic])?,
            );
            assert!(found.is_empty(), "an agent was told: {found:?}");
        }
        let fresh = plant("fresh key that is wrong");
        if index < 3 {
            let attempt = home.begin_again(id, Some(&fresh)).await?;
            home.fails(attempt).await?;
            let attempt = home.begin_again(id, Some(&right)).await?;
            home.done(attempt).await?;
        }
    }
    // Nobody there: the error must not show the address with the key.
    let lost = plant("key for nobody");
    for auth in auths(&lost) {
        let attempt = home
            .begin(targets::api("http://127.0.0.1:9/v9", "/health", auth))
            .await?;
        home.fails(attempt).await?;
    }
    // MCP servers: one that repeats the key in its name, its tools and its answers, one that fails.
    let ways: [fn(&str, &str) -> serde_json::Value; 3] = [
        targets::mcp_bearer,
        |url, key| targets::mcp_header(url, "X-Api-Key", key),
        |url, key| targets::mcp_query(url, "api_key", key),
    ];
    for target in ways {
        let key = plant("MCP key");
        let server = Scripted::serve(repeating).await?;
        let id = home.connect(target(&server.url("/mcp"), &key)).await?;
        keep_everything(&home, id).await?;
        home.test(id).await?;
        home.ask::<wire::ProbeIntegration>(json!({ "id": id }))
            .await?;
        let answer = home.call(id, "repeat", json!({})).await;
        let said = match answer {
            Ok(answer) => answer.to_string(),
            Err(error) => serde_json::to_string(&error)?,
        };
        let found = search::search("a tool's answer", said.as_bytes(), &needles_of(&[&key])?);
        assert!(found.is_empty(), "an agent was told: {found:?}");
        let _ = home.call(id, "fail", json!({})).await;
        let broken = plant("MCP key for a broken server");
        let refusing = Scripted::serve(|seen| async move { echo(401, &seen) }).await?;
        let attempt = home.begin(target(&refusing.url("/mcp"), &broken)).await?;
        home.fails(attempt).await?;
    }
    let in_url = plant("password in a URL");
    let _ = home
        .begin(targets::mcp(&format!("https://ann:{in_url}@example.com/")))
        .await;
    let cut = plant("password with a sign in a URL");
    let begun = home.begin(targets::mcp(&format!(
        "https://ann:{cut}?{cut}@example.com/"
    )));
    let error = begun.await.expect_err("no address");
    assert!(!error.to_string().contains(&cut), "{error}");
    let in_query = plant("key in a URL");
    for url in ["https://mcp.example.com/mcp", "mcp.example.com"] {
        let begun = home.begin(targets::mcp(&format!("{url}?exampleApiKey={in_query}")));
        assert!(begun.await.is_err(), "{url}");
    }

    let needles = Needles::new(
        planted
            .iter()
            .map(|(what, secret)| (what.as_str(), secret.as_str())),
    )?;
    read_everything(&home).await?;
    let found = leaks(&home, &needles)?;
    assert!(found.is_empty(), "while connected: {found:#?}");
    for card in home.cards().await? {
        home.disconnect(card.id).await?;
    }
    read_everything(&home).await?;
    let found = leaks(&home, &needles)?;
    assert!(found.is_empty(), "after Disconnect: {found:#?}");
    let home = home.restart().await?;
    read_everything(&home).await?;
    let mut found = leaks(&home, &needles)?;
    found.extend(leaks_in_log(&needles)?);
    assert!(found.is_empty(), "at the end: {found:#?}");
    Ok(())
}

/// An MCP server that puts what it was sent into everything it says.
async fn repeating(seen: Seen) -> Response {
    let sent = format!(
        "{}{}",
        seen.header("authorization"),
        seen.header("x-api-key")
    );
    let request = seen.json();
    let Some(id) = request.get("id").cloned() else {
        return text(202, "");
    };
    let result = match request["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "tools": {} },
            "serverInfo": { "name": format!("server for {sent}"), "version": sent },
            "instructions": sent,
        }),
        "tools/list" => json!({ "tools": [
            { "name": "repeat", "title": sent, "description": format!("Repeats {sent}."),
              "inputSchema": { "type": "object", "description": sent } },
            { "name": "fail", "inputSchema": { "type": "object" } },
        ] }),
        "tools/call" if request["params"]["name"] == "repeat" => {
            json!({ "content": [{ "type": "text", "text": sent }], "structuredContent": { "sent": sent } })
        }
        "tools/call" => {
            let error =
                json!({ "code": -32000, "message": format!("failed for {sent}"), "data": sent });
            return json_answer(200, &json!({ "jsonrpc": "2.0", "id": id, "error": error }));
        }
        _ => return mcp::answer(&seen, &Arc::default()).await,
    };
    json_answer(
        200,
        &json!({ "jsonrpc": "2.0", "id": id, "result": result }),
    )
}

fn needles_of(secrets: &[&str]) -> Result<Needles> {
    Needles::new(secrets.iter().map(|secret| ("a key", *secret)))
}

#[tokio::test]
async fn sign_ins_that_work_and_that_do_not_are_kept_and_said_nowhere() -> Result<()> {
    for is_confidential in [false, true] {
        let (home, clock) = Home::with_fake_clock().await?;
        let authority = Authority::start().await?;
        authority
            .state
            .confidential
            .store(is_confidential, Ordering::Relaxed);

        // Ways that fail, each at a server that repeats what it was sent.
        for path in ["/token", "/register"] {
            for status in [200, 400, 401, 500] {
                authority.instead(path, move |seen| echo(status, seen));
                let attempt = home.begin(targets::mcp(&authority.resource())).await?;
                if path == "/token" {
                    let link = home.waits_for_browser(attempt).await?;
                    look(&to_callback(&link).await?).await?;
                }
                home.fails(attempt).await?;
            }
            authority.as_usual(path);
        }
        // Answers that are forged, or say no and more than that.
        let attempt = home.begin(targets::mcp(&authority.resource())).await?;
        let right = to_callback(&home.waits_for_browser(attempt).await?).await?;
        look(&altered(&right, "state", Some("forged"))).await?;
        let state = right
            .query_pairs()
            .find(|(name, _)| name == "state")
            .map(|(_, state)| state.into_owned());
        let said = altered(
            &altered(&right, "code", None),
            "error",
            Some("server_error"),
        );
        look(&altered(&said, "error_description", state.as_deref())).await?;
        home.fails(attempt).await?;
        home.engine
            .deep_link(&format!(
                "app.chief.integrations:/oauth/callback?{}",
                right.query().unwrap_or_default()
            ))
            .await?;
        let abandoned = home.begin(targets::mcp(&authority.resource())).await?;
        to_callback(&home.waits_for_browser(abandoned).await?).await?;
        home.ask::<wire::CancelAttempt>(json!({ "id": abandoned }))
            .await?;
        home.fails(abandoned).await?;

        // The way that works, a renewal, a renewal that fails, a reconnect.
        let _ends = browser::signs_in(&home.desk);
        let id = home.connect(targets::mcp(&authority.resource())).await?;
        keep_everything(&home, id).await?;
        home.test(id).await?;
        clock.advance(3_600_000);
        home.call(id, "greet", json!({})).await?;
        authority.instead("/token", |seen| echo(500, seen));
        clock.advance(3_600_000);
        home.test(id).await?;
        authority.instead("/token", |seen| {
            let sent = String::from_utf8_lossy(&seen.bytes()).into_owned();
            json_answer(
                400,
                &json!({ "error": "invalid_grant", "error_description": sent }),
            )
        });
        home.test(id).await?;
        authority.as_usual("/token");
        read_everything(&home).await?;
        let attempt = home.begin_again(id, None).await?;
        home.done(attempt).await?;
        home.call(id, "greet", json!({})).await?;

        let found = leaks(&home, &authority.needles()?)?;
        assert!(found.is_empty(), "while connected: {found:#?}");
        // A revocation that fails, at a server that repeats it; then one that works.
        authority.instead("/revoke", |seen| echo(500, seen));
        home.disconnect(id).await?;
        authority.as_usual("/revoke");
        let id = home.connect(targets::mcp(&authority.resource())).await?;
        home.disconnect(id).await?;
        read_everything(&home).await?;
        let home = home.restart().await?;
        read_everything(&home).await?;

        let needles = authority.needles()?;
        let kinds = [
            "code",
            "access token",
            "refresh token",
            "registration token",
            "verifier",
            "state",
        ];
        for kind in kinds
            .into_iter()
            .chain(is_confidential.then_some("client secret"))
        {
            assert!(
                authority.given().iter().any(|(what, _)| *what == kind),
                "no {kind} was planted"
            );
        }
        let mut found = leaks(&home, &needles)?;
        found.extend(leaks_in_log(&needles)?);
        assert!(found.is_empty(), "{found:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_samples_own_token_is_kept_sealed_like_any_other() -> Result<()> {
    let home = Home::new().await?;
    let id = home.connect(targets::sample()).await?;
    keep_everything(&home, id).await?;
    home.call(id, "echo", json!({ "text": "hello" })).await?;
    let engine::vault::Credential::Bearer { token } = home.held(id).await? else {
        anyhow::bail!("a bearer")
    };
    let needles = needles_of(&[token.reveal()])?;
    read_everything(&home).await?;
    let mut found = leaks(&home, &needles)?;
    found.extend(leaks_in_log(&needles)?);
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}
