//! The servers keep what their heads promise: a journey is worth no more than the server it met.

use super::{
    Peer,
    sign_in::{Answer, sign_in},
};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use url::Url;

/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const RESOURCE: &str = "http://127.0.0.1:9/mcp";

fn client() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().build()?)
}

async fn get(url: impl reqwest::IntoUrl) -> Result<reqwest::Response> {
    Ok(client()?.get(url).send().await?)
}

/// An app that has registered itself at a server and can sign in there.
struct App<'a> {
    server: &'a Peer,
    metadata: Value,
    callback: String,
    client_id: String,
}

impl<'a> App<'a> {
    async fn registered(server: &'a Peer) -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let callback = format!("http://{}/callback", listener.local_addr()?);
        let page = axum::Router::new().route("/callback", axum::routing::get(|| async { "back" }));
        tokio::spawn(async move { axum::serve(listener, page).await });
        let at = Url::parse(&server.url)?.join("/.well-known/oauth-authorization-server")?;
        let metadata: Value = get(at).await?.error_for_status()?.json().await?;
        let wanted = json!({
            "client_name": "Peer test", "application_type": "native", "token_endpoint_auth_method": "none",
            "redirect_uris": [callback], "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        });
        let to = metadata["registration_endpoint"]
            .as_str()
            .context("it registers")?;
        let registered: Value = client()?
            .post(to)
            .json(&wanted)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        let client_id = registered["client_id"]
            .as_str()
            .context("a client id")?
            .to_owned();
        Ok(Self {
            server,
            metadata,
            callback,
            client_id,
        })
    }

    async fn post(&self, endpoint: &str, form: &[(&str, &str)]) -> Result<(u16, Value)> {
        let to = self.metadata[endpoint]
            .as_str()
            .with_context(|| format!("no {endpoint}"))?;
        let mut all = vec![("client_id", &*self.client_id)];
        all.extend_from_slice(form);
        let answer = client()?.post(to).form(&all).send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        ))
    }

    async fn code(&self, challenge: bool) -> Result<Url> {
        let mut start = Url::parse(
            self.metadata["authorization_endpoint"]
                .as_str()
                .context("an endpoint")?,
        )?;
        start.query_pairs_mut().extend_pairs([
            ("client_id", &*self.client_id),
            ("response_type", "code"),
            ("redirect_uri", &self.callback),
            ("scope", "tools:read"),
            ("resource", RESOURCE),
        ]);
        if challenge {
            let pkce = [
                ("code_challenge", CHALLENGE),
                ("code_challenge_method", "S256"),
            ];
            start.query_pairs_mut().extend_pairs(pkce);
        }
        Ok(sign_in(start.as_str(), "ann", Answer::Agree).await?.url)
    }

    async fn exchange(&self, code: &str, verifier: &str) -> Result<(u16, Value)> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.callback),
            ("code_verifier", verifier),
            ("resource", RESOURCE),
        ];
        self.post("token_endpoint", &form).await
    }

    async fn signed_in(&self) -> Result<Value> {
        let back = self.code(true).await?;
        let (status, tokens) = self.exchange(&told(&back, "code")?, VERIFIER).await?;
        anyhow::ensure!(status == 200, "{status} {tokens}");
        Ok(tokens)
    }

    async fn refresh(&self, token: &Value) -> Result<(u16, Value)> {
        let token = token.as_str().context("a refresh token")?;
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("resource", RESOURCE),
        ];
        self.post("token_endpoint", &form).await
    }
}

fn told(url: &Url, name: &str) -> Result<String> {
    let found = url
        .query_pairs()
        .find(|(n, _)| n == name)
        .with_context(|| format!("no {name} in {url}"))?;
    Ok(found.1.into_owned())
}

fn claims(token: &Value) -> Result<Value> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let body = token
        .as_str()
        .and_then(|token| token.split('.').nth(1))
        .context("a JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body)?)?)
}

#[tokio::test]
async fn the_authorization_server_insists_on_pkce_and_on_a_code_used_once() -> Result<()> {
    let server = Peer::start("oidc", &[]).await?;
    let app = App::registered(&server).await?;
    assert_eq!(
        told(&app.code(false).await?, "error")?,
        "invalid_request",
        "no challenge, no code"
    );
    let code = told(&app.code(true).await?, "code")?;
    let (status, answer) = app.exchange(&code, &"x".repeat(43)).await?;
    assert_eq!(
        (status, &answer["error"]),
        (400, &json!("invalid_grant")),
        "a wrong verifier"
    );
    let code = told(&app.code(true).await?, "code")?;
    let (status, tokens) = app.exchange(&code, VERIFIER).await?;
    assert_eq!(
        (status, &claims(&tokens["access_token"])?["aud"]),
        (200, &json!(RESOURCE))
    );
    let (status, _) = app.exchange(&code, VERIFIER).await?;
    assert_eq!(status, 400, "a code is good once");
    let (status, _) = app.refresh(&tokens["refresh_token"]).await?;
    assert_eq!(status, 400, "and its replay ends what it brought");
    Ok(())
}

#[tokio::test]
async fn a_refresh_token_used_twice_kills_its_family() -> Result<()> {
    let server = Peer::start("oidc", &[]).await?;
    let app = App::registered(&server).await?;
    let first = app.signed_in().await?;
    let (status, second) = app.refresh(&first["refresh_token"]).await?;
    assert_eq!(status, 200, "{second}");
    assert_ne!(
        first["refresh_token"], second["refresh_token"],
        "it rotates"
    );
    assert_eq!(claims(&second["access_token"])?["aud"], RESOURCE);
    let (status, answer) = app.refresh(&first["refresh_token"]).await?;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
    let (status, _) = app.refresh(&second["refresh_token"]).await?;
    assert_eq!(status, 400, "the newer one died with it");
    Ok(())
}

#[tokio::test]
async fn revoking_ends_it_and_so_does_an_administrator() -> Result<()> {
    let server = Peer::start("oidc", &[]).await?;
    let app = App::registered(&server).await?;
    let tokens = app.signed_in().await?;
    let refresh = tokens["refresh_token"]
        .as_str()
        .context("a refresh token")?;
    let known = server
        .control(&format!("/test/token?token={refresh}"))
        .await?;
    assert_eq!(known["active"], true);
    let (status, answer) = app
        .post("revocation_endpoint", &[("token", refresh)])
        .await?;
    assert_eq!(status, 200, "{answer}");
    let known = server
        .control(&format!("/test/token?token={refresh}"))
        .await?;
    assert_eq!(known["active"], false);
    assert_eq!(app.refresh(&tokens["refresh_token"]).await?.0, 400);

    let tokens = app.signed_in().await?;
    server.control("/test/end-grants").await?;
    let (status, answer) = app.refresh(&tokens["refresh_token"]).await?;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
    Ok(())
}

#[tokio::test]
async fn a_device_signs_in_by_its_code() -> Result<()> {
    let server = Peer::start("oidc", &[]).await?;
    let app = App::registered(&server).await?;
    let asked = [("scope", "tools:read"), ("resource", RESOURCE)];
    let (status, device) = app.post("device_authorization_endpoint", &asked).await?;
    assert_eq!(status, 200, "{device}");
    let code = device["device_code"].as_str().context("a device code")?;
    let grant = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", code),
    ];
    let (status, answer) = app.post("token_endpoint", &grant).await?;
    assert_eq!(
        (status, &answer["error"]),
        (400, &json!("authorization_pending"))
    );
    Ok(())
}

#[tokio::test]
async fn it_fails_as_it_is_told_and_only_so_often() -> Result<()> {
    let server = Peer::start("oidc", &[]).await?;
    let app = App::registered(&server).await?;
    let mut tokens = app.signed_in().await?;
    for (mode, expected) in [("html", 200), ("500", 500), ("503", 503), ("json", 200)] {
        server
            .control(&format!("/test/fail?path=/token&mode={mode}"))
            .await?;
        let (status, answer) = app.refresh(&tokens["refresh_token"]).await?;
        assert_eq!(status, expected, "{mode}");
        assert!(answer["access_token"].is_null(), "{mode}: {answer}");
        let (status, answer) = app.refresh(&tokens["refresh_token"]).await?;
        assert_eq!(status, 200, "after {mode} nothing was used up: {answer}");
        tokens = answer;
    }
    server.control("/test/fail?path=/token&mode=lose").await?;
    let lost = app.refresh(&tokens["refresh_token"]).await;
    assert!(lost.is_err(), "the answer must not arrive: {lost:?}");
    let (status, _) = app.refresh(&tokens["refresh_token"]).await?;
    assert_eq!(
        status, 400,
        "but the server had acted: the old token is spent"
    );

    server.control("/test/set?iss=wrong").await?;
    assert_eq!(told(&app.code(true).await?, "iss")?, "https://evil.example");
    server.control("/test/set?iss=none").await?;
    assert!(told(&app.code(true).await?, "iss").is_err());
    let metadata = Url::parse(&app.server.url)?.join("/.well-known/openid-configuration")?;
    for (setting, member) in [
        ("no-pkce", "code_challenge_methods_supported"),
        ("no-registration", "registration_endpoint"),
    ] {
        server
            .control(&format!("/test/set?metadata={setting}"))
            .await?;
        let found: Value = get(metadata.clone()).await?.json().await?;
        assert!(
            found[member].is_null() && found["issuer"] == server.url,
            "{setting}: {found}"
        );
    }
    server.control("/test/set?metadata=wrong-issuer").await?;
    let found: Value = get(metadata).await?.json().await?;
    assert_eq!(found["issuer"], "https://evil.example");
    Ok(())
}

#[tokio::test]
async fn a_peer_that_is_missing_is_an_error_by_name() {
    let Err(error) = Peer::start("no-such-peer", &[]).await else {
        panic!("it started")
    };
    assert!(error.to_string().contains("no-such-peer"), "{error:#}");
    let Err(error) = Peer::start("mcp-protected", &[]).await else {
        panic!("it started without ISSUER")
    };
    assert!(
        error.to_string().contains("ISSUER is not set"),
        "what it said is shown: {error:#}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_peer_ends_when_it_is_dropped() -> Result<()> {
    let server = Peer::start("mcp-modern", &[]).await?;
    let url = server.url.clone();
    get(&url).await.context("it answers")?;
    drop(server);
    for _ in 0..100 {
        if get(&url).await.is_err() {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    anyhow::bail!("{url} still answers")
}
