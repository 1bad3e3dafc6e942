//! Where the credential comes from: typed, made for the sample, or a sign-in.

use super::attempt::{Attempt, Stopped};
use super::input::Plan;
use super::sign_in;
use crate::{
    Engine,
    connect::way::Way,
    connectors::mcp::{self, Challenge},
    http::Reach,
    oauth,
    sample::Sample,
    vault::Credential,
};
use url::Url;
use wire::{Error, ErrorCode, Kind};

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
    if let Some(Way::OAuth(way)) = plan.way.as_deref() {
        let way = way.clone();
        return sign_in::by_way(engine, attempt, plan, &way).await;
    }
    let reach = Reach {
        private_hosts: plan.private_hosts.clone(),
    };
    let challenge = attempt.or_stopped(challenge(engine, &reach, &url)).await?;
    match challenge {
        Challenge::None => Ok(Credential::None),
        Challenge::Auth { www_authenticate } => {
            sign_in::at_mcp_server(engine, attempt, plan, www_authenticate.as_deref()).await
        }
    }
}

/// What the server asks for at the first contact. Some let anybody list and ask only who calls: those that tell
/// of a sign-in are called, too.
async fn challenge(engine: &Engine, reach: &Reach, url: &Url) -> Result<Challenge, Error> {
    let http = engine.http();
    let asked = mcp::challenge(http, reach, url).await?;
    if asked != Challenge::None || !oauth::tells_of_a_sign_in(http, reach, url).await {
        return Ok(asked);
    }
    mcp::challenge_to_callers(http, reach, url).await
}
