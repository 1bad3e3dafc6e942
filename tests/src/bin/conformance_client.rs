//! The client under test of MCP's conformance suite: the app's own engine, with an admin who says yes, a
//! browser that is one GET, and an agent that calls every tool once.
//!
//! The suite starts it once for each scenario: the server's URL is the last argument, and
//! `MCP_CONFORMANCE_SCENARIO` and `MCP_CONFORMANCE_CONTEXT` say the rest. `MCP_CONFORMANCE_PROTOCOL_VERSION`
//! is not read: the app finds out by itself what a server speaks. What this program decides is what a
//! person would; everything else is the engine's.

use anyhow::{Context, Result, bail};
use chief_tests::conformance::{arguments, fields};
use engine::{
    Engine, Options,
    calls::{Wanted, call_asking, policy::By},
    connectors::mcp::{Answer, Ask},
    fakes::{FakeDesk, MemoryKeyring},
    ports::{Ports, SystemClock},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use wire::{Because, Command, ErrorCode, IntegrationId, Phase, Question};

/// The document that the suite's authorization server knows.
const DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";
/// How often an admin presses Request access for one tool, at the very most. The app stops before.
const PRESSES: usize = 5;
/// Between two looks at an attempt.
const LOOK: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::args()
        .next_back()
        .context("the server's URL is the last argument")?;
    let context = std::env::var("MCP_CONFORMANCE_CONTEXT").unwrap_or_else(|_| "{}".to_owned());
    let folder = tempfile::Builder::new()
        .prefix("chief-conform-")
        .tempdir()?;
    let desk = Arc::new(FakeDesk::default());
    let runtime = tokio::runtime::Handle::current();
    desk.on_open(move |link| {
        runtime.spawn(browse(link));
    });
    let options = Options {
        folder: folder.path().to_owned(),
        log_folder: folder.path().join("logs"),
        providers: engine::providers::Sources::folder(folder.path().join("providers")),
        version: "0.0.0-test".to_owned(),
        client_document: Some(DOCUMENT.parse()?),
    };
    let ports = Ports {
        clock: Arc::new(SystemClock),
        desk,
        keyring: Arc::new(MemoryKeyring::default()),
    };
    let admin = Admin(Engine::start(options, ports).await?);
    let done = admin.uses(&url, &serde_json::from_str(&context)?).await;
    admin.0.stop().await;
    done
}

/// The browser: it follows every redirect, and shows nothing.
async fn browse(link: String) {
    let looked = async {
        let client = reqwest::Client::builder().no_proxy().build()?;
        client.get(&link).send().await.map(drop)
    };
    if let Err(error) = looked.await {
        eprintln!("the browser: {error}");
    }
}

struct Admin(Engine);

impl Admin {
    /// Connects the server and calls what it offers.
    async fn uses(&self, url: &str, context: &Value) -> Result<()> {
        let id = self.connect(url, context).await?;
        let tools = self
            .ask::<wire::ListTools>(json!({ "id": id }))
            .await
            .map_err(anyhow::Error::from)?;
        let calls: Vec<(String, Value)> = match context["toolCalls"].as_array() {
            Some(calls) => calls
                .iter()
                .map(|call| {
                    let name = call["name"].as_str().unwrap_or_default();
                    (name.to_owned(), call["arguments"].clone())
                })
                .collect(),
            None => tools
                .iter()
                .map(|tool| Ok((tool.name.clone(), arguments(&tool.input_schema)?)))
                .collect::<Result<_>>()?,
        };
        for (tool, arguments) in calls {
            self.calls(id, &tool, &arguments).await?;
        }
        Ok(())
    }

    /// Connects; the app credentials that were given for a server are saved first.
    async fn connect(&self, url: &str, context: &Value) -> Result<IntegrationId> {
        if let (Some(client), Some(issuer)) =
            (&context["client_id"].as_str(), context["issuer"].as_str())
        {
            let save = json!({
                "owner": { "owner": "issuer", "issuer": issuer },
                "client_id": client,
                "client_secret": context["client_secret"],
                "client_auth": "basic",
            });
            self.ask::<wire::SaveAppCredentials>(save).await?;
        }
        match self.start(url).await {
            // Whoever is refused while the server changes under them presses the button once more.
            Err(error) if error.code == ErrorCode::Rejected => self.start(url).await,
            other => other,
        }
        .map_err(Into::into)
    }

    async fn start(&self, url: &str) -> Result<IntegrationId, wire::Error> {
        let target = json!({
            "kind": "mcp", "name": "Server", "url": url, "auth": { "auth": "discover" },
        });
        let request = json!({ "target": target, "confirmed": {} });
        let attempt = self.ask::<wire::StartConnect>(request).await?;
        self.follow(attempt.id).await
    }

    /// Calls a tool as an agent would. A refusal for want of a scope is answered by Request access, one
    /// of the credential by Reconnect.
    async fn calls(&self, id: IntegrationId, tool: &str, arguments: &Value) -> Result<()> {
        for press in 0..=PRESSES {
            let wanted = Wanted {
                integration: id,
                tool: tool.to_owned(),
                arguments: arguments.clone(),
                because: Because::task("conformance", None),
            };
            let around = (CancellationToken::new().into(), Some(person()));
            let error = match call_asking(&self.0, &By::Admin, wanted, around).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let mut again = json!({ "id": id, "confirmed": {} });
            match error.code {
                ErrorCode::Forbidden => again["tool"] = json!(tool),
                ErrorCode::Rejected | ErrorCode::IntegrationFailing if press == 0 => {}
                // The tool's own answer.
                ErrorCode::ToolFailed | ErrorCode::ArgumentsInvalid => return Ok(()),
                _ => return Err(error.into()),
            }
            let attempt = self.ask::<wire::Reconnect>(again).await?;
            self.follow(attempt.id).await?;
        }
        bail!("{tool} was refused {PRESSES} times, and the app would go on asking")
    }

    /// Follows an attempt to its end, saying yes to what it asks.
    async fn follow(&self, id: wire::AttemptId) -> Result<IntegrationId, wire::Error> {
        loop {
            let view = self.ask::<wire::GetAttempt>(json!({ "id": id })).await?;
            match view.phase {
                Phase::Done { integration, .. } => return Ok(integration),
                Phase::Failed { error } => return Err(error),
                Phase::Asking { question } => {
                    let yes = match question {
                        Question::PrivateAddress { .. } => json!({ "private_address": true }),
                        Question::Duplicate { .. } => json!({ "duplicate": true }),
                        Question::OtherAccount { .. } => json!({ "other_account": true }),
                        Question::OtherIssuer { .. } => json!({ "other_issuer": true }),
                    };
                    self.ask::<wire::AnswerAttempt>(json!({ "id": id, "confirmed": yes }))
                        .await?;
                }
                Phase::Checking
                | Phase::WaitingForBrowser { .. }
                | Phase::WaitingForCode { .. }
                | Phase::Exchanging
                | Phase::Proving => tokio::time::sleep(LOOK).await,
            }
        }
    }

    async fn ask<C: Command>(&self, request: Value) -> Result<C::Reply, wire::Error> {
        let answer = engine::commands::answer(&self.0, C::NAME, request).await?;
        serde_json::from_value(answer)
            .map_err(|error| wire::Error::new(ErrorCode::Internal).with("why", error.to_string()))
    }
}

/// Somebody who agrees to everything, and fills in what has no default.
fn person() -> Ask {
    Arc::new(|question| {
        let given = fields(&question.schema);
        Box::pin(async move { Answer::Given(given) })
    })
}
