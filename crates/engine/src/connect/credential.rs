//! Where the credential comes from: typed, made for the sample, or a sign-in.

use super::attempt::{Attempt, Stopped};
use super::input::Plan;
use super::sign_in;
use crate::{
    Engine,
    connect::way::Way,
    connectors::mcp::{self, Challenge},
    http::Reach,
    sample::Sample,
    vault::Credential,
};
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
    match attempt
        .or_stopped(mcp::challenge(engine.http(), &reach, &url))
        .await?
    {
        Challenge::None => Ok(Credential::None),
        Challenge::Auth { www_authenticate } => {
            sign_in::at_mcp_server(engine, attempt, plan, www_authenticate.as_deref()).await
        }
    }
}
