//! Slack's Web API as far as a notice needs it, spoken as the bot of one connected Slack.
//!
//! Owns: the requests, each a row of the record, and what Slack's own errors mean. Must not know: which
//! notices there are, or what was told of them.

use crate::{
    Engine,
    calls::{self, Journal},
    connect::way::Way,
    connectors::{self, Config},
    health::{Asked, Tells},
    http::{self, Answer, Limits, Outgoing, Reach},
    integrations::Integration,
    vault::Credential,
};
use serde_json::{Value, json};
use std::sync::Arc;
use url::{Url, form_urlencoded};
use wire::{Because, Error, ErrorCode, IntegrationId, NoticeId, Reason, RowKind, Status, Time};

/// Names our messages in Slack's metadata.
const EVENT: &str = "chief_notice";
/// Pages of a conversation that are looked through for a message, at most.
const PAGES: usize = 10;
/// How far back a message is looked for before it was posted by this computer's clock: clocks differ.
const CLOCKS_DIFFER_MS: i64 = 86_400_000;
/// Slack's limits for a header and for a section, in characters.
const TITLE_MAX: usize = 150;
const BODY_MAX: usize = 2_900;

/// What a message says. Inert text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub title: String,
    pub body: String,
}

impl Message {
    /// The whole of it, to tell one from another.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.title, self.body)
    }

    /// The fields of a request that carry it. The blocks hold plain text, in which nothing is markup;
    /// `text` is what a notification on a telephone shows.
    fn fields(&self, id: NoticeId) -> Vec<(&'static str, String)> {
        let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
        let plain = |text: String| json!({ "type": "plain_text", "text": text, "emoji": false });
        let blocks = json!([
            { "type": "header", "text": plain(cut(&self.title, TITLE_MAX)) },
            { "type": "section", "text": plain(cut(&self.body, BODY_MAX)) },
        ]);
        let metadata = json!({ "event_type": EVENT, "event_payload": { "id": id.to_string() } });
        vec![
            ("text", escaped(&cut(&self.title, TITLE_MAX))),
            ("blocks", blocks.to_string()),
            ("metadata", metadata.to_string()),
        ]
    }
}

/// Slack's own three characters of markup (docs.slack.dev, "Formatting message text").
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The bot of one connected Slack.
pub(super) struct Bot {
    engine: Engine,
    pub id: IntegrationId,
    pub name: String,
    /// Why nothing would come of asking it, as it was when it was opened.
    pub held: Option<String>,
    because: Because,
}

/// Where its API is.
struct Place {
    slug: String,
    base: String,
    reach: Reach,
    consent: Option<Time>,
}

/// Whether an integration speaks Slack's Web API: its ping is Slack's own, however it was connected.
pub(super) fn is_slack(found: &Integration) -> bool {
    match &found.config {
        Config::Api {
            health_path, way, ..
        } => {
            let told = way.as_deref().and_then(Way::ping);
            let path = told.map_or(health_path.as_str(), |ping| ping.path.as_str());
            path.trim_start_matches('/') == "auth.test"
        }
        Config::Mcp { .. } | Config::Sample => false,
    }
}

impl Bot {
    /// `None` where the integration is gone.
    pub async fn open(
        engine: &Engine,
        id: IntegrationId,
        because: Because,
    ) -> Result<Option<Self>, Error> {
        let found = engine
            .store()
            .read(move |conn| Integration::find(conn, id))
            .await?;
        Ok(found.filter(is_slack).map(|found| Self {
            held: held(engine, &found),
            engine: engine.clone(),
            id,
            name: found.row.name,
            because,
        }))
    }

    /// Errors: `SlackNotABot` where the token is a person's. Here and below also what a call of any
    /// integration may come to, `SlackScope` and `SlackRefused`.
    pub async fn check(&self) -> Result<(), Error> {
        let who = self.ask("auth.test", vec![]).await?;
        if who.get("bot_id").and_then(Value::as_str).is_some() {
            return Ok(());
        }
        Err(Error::new(ErrorCode::SlackNotABot).with("integration", self.name.clone()))
    }

    /// The conversation with whoever has this e-mail address. Errors: `SlackNoPerson`.
    pub async fn dm(&self, admin: &str) -> Result<String, Error> {
        let found = self
            .ask("users.lookupByEmail", vec![("email", admin.to_owned())])
            .await
            .map_err(|error| match error.args.get("why").map(String::as_str) {
                Some("users_not_found") => {
                    Error::new(ErrorCode::SlackNoPerson).with("address", http::inert(admin))
                }
                Some(_) | None => error,
            })?;
        let user = text(&found, "/user/id")?;
        let opened = self
            .ask("conversations.open", vec![("users", user)])
            .await?;
        text(&opened, "/channel/id")
    }

    /// Posts a message; Slack's name of it.
    pub async fn post(&self, dm: &str, id: NoticeId, message: &Message) -> Result<String, Error> {
        let mut fields = message.fields(id);
        fields.push(("channel", dm.to_owned()));
        fields.push(("unfurl_links", "false".to_owned()));
        text(&self.ask("chat.postMessage", fields).await?, "/ts")
    }

    /// Changes one. Nothing where it is not there any more, or may not be changed any more.
    pub async fn update(
        &self,
        (dm, ts): (&str, &str),
        id: NoticeId,
        message: &Message,
    ) -> Result<(), Error> {
        let mut fields = message.fields(id);
        fields.push(("channel", dm.to_owned()));
        fields.push(("ts", ts.to_owned()));
        match self.ask("chat.update", fields).await {
            Ok(_) => Ok(()),
            Err(error) => match error.args.get("why").map(String::as_str) {
                Some(
                    "message_not_found"
                    | "cant_update_message"
                    | "edit_window_closed"
                    | "channel_not_found",
                ) => Ok(()),
                Some(_) | None => Err(error),
            },
        }
    }

    /// The message of this id, where it is in the conversation since a day before `since`.
    pub async fn look(&self, dm: &str, id: NoticeId, since: Time) -> Result<Option<String>, Error> {
        let oldest = since.plus(-CLOCKS_DIFFER_MS).0.max(0);
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let mut fields = vec![
                ("channel", dm.to_owned()),
                ("include_all_metadata", "true".to_owned()),
                ("limit", "200".to_owned()),
                ("oldest", format!("{}.000000", oldest / 1000)),
            ];
            if !cursor.is_empty() {
                fields.push(("cursor", cursor));
            }
            let page = self.ask("conversations.history", fields).await?;
            let messages = page.get("messages").and_then(Value::as_array);
            let own = messages.into_iter().flatten().find(|message| {
                message
                    .pointer("/metadata/event_type")
                    .and_then(Value::as_str)
                    == Some(EVENT)
                    && message
                        .pointer("/metadata/event_payload/id")
                        .and_then(Value::as_str)
                        == Some(&id.to_string())
            });
            if let Some(own) = own {
                return text(own, "/ts").map(Some);
            }
            let next = page.pointer("/response_metadata/next_cursor");
            cursor = next.and_then(Value::as_str).unwrap_or_default().to_owned();
            if cursor.is_empty() {
                break;
            }
        }
        Ok(None)
    }

    /// One request, written down like any other call of the integration.
    async fn ask(
        &self,
        method: &'static str,
        fields: Vec<(&'static str, String)>,
    ) -> Result<Value, Error> {
        let (engine, id) = (&self.engine, self.id);
        let found = engine
            .store()
            .read(move |conn| Integration::get(conn, id))
            .await?;
        let place = Place::of(&found)?;
        let action = format!("{}.{method}", place.slug);
        let named = Some((id, self.name.clone()));
        if let Some(refusal) = trouble(&found, engine.now()) {
            calls::refuse(engine, named, &action, &self.because, &refusal).await?;
            return Err(refusal);
        }
        let journal = Journal::begin(engine, RowKind::Call, named, &action, &self.because).await?;
        let url = format!("{}/{method}", place.base);
        let url = Url::parse(&url)
            .map_err(|_| Error::new(ErrorCode::UrlInvalid).with("url", http::inert(&url)))?;
        let body: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let sent = Arc::new((url, body, place.reach));
        let door = engine.http().clone();
        let result = calls::exchange(engine, id, &self.because, move |_, credential| {
            let (sent, door) = (sent.clone(), door.clone());
            Box::pin(async move {
                let (url, body, reach) = &*sent;
                let mut post = Outgoing::post(
                    url.clone(),
                    "application/x-www-form-urlencoded",
                    body.clone().into_bytes(),
                );
                post.limits = Limits {
                    seconds: 30,
                    ..Limits::default()
                };
                let answer = connectors::send_with(&door, reach, &credential, post).await?;
                read(&answer, &http::host(url), &credential)
            })
        })
        .await;
        let told = result.as_ref().err().is_some_and(|error| {
            matches!(
                error.code,
                ErrorCode::Rejected
                    | ErrorCode::RateLimited
                    | ErrorCode::Unreachable
                    | ErrorCode::ServerError
            )
        });
        let tells = told.then_some(Tells {
            id,
            asked: Asked::Call { tool: "call" },
            consent: place.consent,
            heard: result.as_ref().map(|_| ()),
        });
        journal
            .finish(engine, result.as_ref().map(|_| ()), "", tells)
            .await?;
        result
    }
}

impl Place {
    fn of(found: &Integration) -> Result<Self, Error> {
        match &found.config {
            Config::Api {
                base_url,
                private_hosts,
                ..
            } => Ok(Self {
                slug: found.row.slug.clone(),
                base: base_url.trim_end_matches('/').to_owned(),
                reach: Reach {
                    private_hosts: private_hosts.clone(),
                },
                consent: found.state.consent,
            }),
            Config::Mcp { .. } | Config::Sample => {
                Err(Error::new(ErrorCode::SlackRefused).with("why", "this is not Slack's API"))
            }
        }
    }
}

/// The same as [`trouble`] in words, or that this computer is offline.
fn held(engine: &Engine, found: &Integration) -> Option<String> {
    let is_outside =
        matches!(&found.config, Config::Api { private_hosts, .. } if private_hosts.is_empty());
    if is_outside && engine.network().is_offline() {
        return Some(words::text("cli-offline"));
    }
    let why = trouble(found, engine.now())?;
    Some(http::inert(&words::error(&why)))
}

/// Why nothing is sent, where nothing would come of it.
fn trouble(found: &Integration, now: Time) -> Option<Error> {
    let named = |code| Error::new(code).with("integration", found.row.name.clone());
    if !found.row.enabled {
        return Some(named(ErrorCode::IntegrationOff).fix(wire::Fix::SwitchOn));
    }
    let reason = found.state.shown(now);
    let may_try =
        reason.status() != Status::Failing || matches!(reason, Reason::Unreachable { .. });
    (!may_try).then(|| named(ErrorCode::IntegrationFailing).with("why", reason.as_str()))
}

/// Slack's answer: 200 says nothing, `ok` does. What it says is cut to names before it is passed on.
fn read(answer: &Answer, host: &str, credential: &Credential) -> Result<Value, Error> {
    if let Some(error) = http::classify(answer.status, &answer.headers, host) {
        return Err(connectors::veiled(credential, error));
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        return Err(Error::new(ErrorCode::BadAnswer)
            .with("host", host)
            .with("why", "its answer is not JSON"));
    };
    if body.get("ok") == Some(&Value::Bool(true)) {
        return Ok(body);
    }
    let word = |name: &str| {
        let said = body.get(name).and_then(Value::as_str).unwrap_or_default();
        let plain = |c: &char| c.is_ascii_alphanumeric() || "_:.,- ".contains(*c);
        said.chars().filter(plain).take(120).collect::<String>()
    };
    let name = word("error");
    let error = match name.as_str() {
        "ratelimited" | "rate_limited" => http::classify(429, &answer.headers, host)
            .unwrap_or_else(|| Error::new(ErrorCode::RateLimited).with("host", host)),
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            Error::new(ErrorCode::Rejected)
                .with("host", host)
                .with("status", name)
        }
        "missing_scope" => Error::new(ErrorCode::SlackScope).with("why", word("needed")),
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
            Error::new(ErrorCode::ServerError)
                .with("host", host)
                .with("status", name)
        }
        _ => Error::new(ErrorCode::SlackRefused).with("why", name),
    };
    Err(connectors::veiled(credential, error))
}

/// A member of an answer that must be text.
fn text(answer: &Value, pointer: &str) -> Result<String, Error> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found
        .map(|text| text.chars().take(200).collect())
        .ok_or_else(|| {
            // Not a refusal: what was asked may have been done.
            Error::new(ErrorCode::BadAnswer)
                .with("host", "Slack")
                .with("why", format!("its answer has no {pointer}"))
        })
}
