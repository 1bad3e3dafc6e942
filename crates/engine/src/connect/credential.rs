//! Where the credential comes from: typed, made for the sample, or a sign-in in the browser.

use super::attempt::{Attempt, Stopped};
use super::input::Plan;
use super::leftovers::Leftovers;
use crate::{
    Engine,
    connectors::mcp::{self, Challenge},
    http::Reach,
    oauth::{self, Loopback},
    sample::Sample,
    vault::Credential,
};
use url::Url;
use wire::{Error, ErrorCode, Kind, Phase};

/// The credential that the plan needs. Nothing is kept before it has proved itself.
pub(super) async fn obtain(
    engine: &Engine,
    attempt: &Attempt,
    plan: &mut Plan,
) -> Result<Credential, Stopped> {
    if plan.kind == Kind::Sample {
        return Ok(Credential::Bearer {
            token: Sample::fresh_token(),
        });
    }
    if let Some(typed) = plan.typed.take() {
        return Ok(typed);
    }
    let Some(url) = plan.url.clone() else {
        return Err(Error::new(ErrorCode::Internal)
            .with("why", "an attempt without an address")
            .into());
    };
    let reach = Reach {
        private_hosts: plan.private_hosts.clone(),
    };
    match attempt
        .or_stopped(mcp::challenge(engine.http(), &reach, &url))
        .await?
    {
        Challenge::None => Ok(Credential::None),
        Challenge::Auth { www_authenticate } => {
            sign_in(engine, attempt, plan, &url, www_authenticate.as_deref()).await
        }
    }
}

async fn sign_in(
    engine: &Engine,
    attempt: &Attempt,
    plan: &mut Plan,
    url: &Url,
    challenge: Option<&str>,
) -> Result<Credential, Stopped> {
    let mut found = discover(engine, attempt, plan, url, challenge).await?;
    if let Some(before) = plan
        .issuer
        .as_ref()
        .filter(|before| **before != found.issuer)
    {
        return Err(Error::new(ErrorCode::OauthIssuerMismatch)
            .with("expected", before.clone())
            .with("found", found.issuer)
            .into());
    }
    for endpoint in [
        Some(&found.authorization_endpoint),
        Some(&found.token_endpoint),
        found.registration_endpoint.as_ref(),
        found.revocation_endpoint.as_ref(),
    ]
    .into_iter()
    .flatten()
    {
        attempt
            .reach_or_ask(engine, endpoint, &mut plan.private_hosts)
            .await?;
    }
    let reach = Reach {
        private_hosts: plan.private_hosts.clone(),
    };
    let mut loopback = Door::open(engine).await?;
    let redirect = loopback.redirect_uri();
    // The union: what the server asks for now, and what was held before. Registered with it too:
    // a strict server refuses what the client is not registered for.
    for held in &plan.scopes {
        if !found.scopes.contains(held) {
            found.scopes.push(held.clone());
        }
    }
    let client = attempt
        .or_stopped(oauth::register(engine.http(), &reach, &found, &redirect))
        .await?;
    attempt.leaves(Leftovers::of_client(&client, &reach));
    let flow = oauth::authorize(&found, &client, &redirect, &found.scopes)?;

    let host = found
        .authorization_endpoint
        .host_str()
        .unwrap_or_default()
        .to_owned();
    attempt.set(engine, Phase::WaitingForBrowser { host });
    attempt.open_browser(engine, &loopback);
    let callback = loop {
        let answered = loopback.answer(
            &flow.authorization_url,
            flow.state(),
            attempt.cancel.clone(),
        );
        match attempt.or_stopped(answered).await? {
            oauth::Answered::Callback(callback) => break callback,
            oauth::Answered::Refused => {
                let what = "a forged or stale sign-in answer was refused";
                engine.note_refused(what).await?;
            }
        }
    };
    attempt.set(engine, Phase::Exchanging);
    let code = flow.check(&callback)?;
    let credential = attempt
        .or_stopped(oauth::exchange(
            engine.http(),
            &reach,
            flow,
            code,
            &client,
            &found,
            engine.now(),
        ))
        .await?;
    attempt.leaves(Leftovers::of_tokens(&credential, &reach));
    Ok(Credential::OAuth(Box::new(credential)))
}

/// The way back from the browser. However the sign-in ends (done, cancelled, failed, ten minutes),
/// what comes after it is refused for a minute more, a row for each.
struct Door {
    engine: Engine,
    loopback: Option<Loopback>,
}

impl Door {
    async fn open(engine: &Engine) -> Result<Self, Error> {
        Ok(Self {
            engine: engine.clone(),
            loopback: Some(Loopback::bind().await?),
        })
    }
}

impl std::ops::Deref for Door {
    type Target = Loopback;

    fn deref(&self) -> &Loopback {
        self.loopback.as_ref().expect("taken in drop only")
    }
}

impl std::ops::DerefMut for Door {
    fn deref_mut(&mut self) -> &mut Loopback {
        self.loopback.as_mut().expect("taken in drop only")
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let (Some(mut loopback), Ok(runtime)) =
            (self.loopback.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let engine = self.engine.clone();
        runtime.spawn(async move {
            let refuse = async {
                while loopback.late().await.is_some() {
                    let what = "a sign-in answer that came late or twice was refused";
                    if let Err(error) = engine.note_refused(what).await {
                        tracing::warn!(error = %error, "a refused answer could not be recorded");
                    }
                }
            };
            let stopping = engine.stopping();
            tokio::select! {
                () = stopping.cancelled() => {}
                () = refuse => {}
            }
        });
    }
}

/// Discovery, which may meet a private authorization server: asked about by its name.
async fn discover(
    engine: &Engine,
    attempt: &Attempt,
    plan: &mut Plan,
    url: &Url,
    challenge: Option<&str>,
) -> Result<oauth::Discovered, Stopped> {
    loop {
        let reach = Reach {
            private_hosts: plan.private_hosts.clone(),
        };
        match attempt
            .or_stopped(oauth::discover(engine.http(), &reach, url, challenge))
            .await
        {
            Err(Stopped::Failed(error)) if error.code == ErrorCode::AddressPrivate => {
                let host = error.args.get("host").cloned().unwrap_or_default();
                let target = Url::parse(&format!("https://{host}/")).map_err(|_| error)?;
                attempt
                    .reach_or_ask(engine, &target, &mut plan.private_hosts)
                    .await?;
            }
            other => return other,
        }
    }
}
