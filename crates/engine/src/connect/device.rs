//! The device flow of one attempt: the code is shown, and the server asked at its own pace whether the
//! person has agreed.

use super::{
    attempt::{Attempt, Stopped},
    leftovers::Leftovers,
};
use crate::{
    Engine,
    http::Reach,
    oauth::{self, Client, Discovered, Manner, Polled},
    vault::Credential,
};
use wire::{Error, ErrorCode, Phase};

pub(super) async fn by_code(
    engine: &Engine,
    attempt: &Attempt,
    reach: &Reach,
    asked: (&Discovered, &Client, &Manner),
) -> Result<Credential, Stopped> {
    let http = engine.http();
    let code = attempt
        .or_stopped(oauth::ask_device_code(http, reach, asked, engine.now()))
        .await?;
    let host = code.page.host_str().unwrap_or_default().to_owned();
    attempt.set(
        engine,
        Phase::WaitingForCode {
            host,
            page: code.page.to_string(),
            code: code.user_code.clone(),
            ends_at: code.expires_at,
        },
    );
    attempt.open_page(engine, code.page.as_str());
    let mut interval_s = code.interval_s;
    loop {
        let wait = i64::try_from(interval_s * 1000).unwrap_or(i64::MAX);
        let (clock, until) = (engine.clock(), engine.now().plus(wait));
        attempt
            .or_stopped(async {
                clock.sleep_until(until.min(code.expires_at)).await;
                Ok(())
            })
            .await?;
        let now = engine.now();
        if now >= code.expires_at {
            return Err(Error::new(ErrorCode::AttemptExpired).into());
        }
        let polled = oauth::poll(http, reach, asked, (&code, interval_s, now));
        match attempt.or_stopped(polled).await? {
            Polled::Wait(seconds) => interval_s = seconds,
            Polled::Granted(credential) => {
                attempt.leaves(Leftovers::of_tokens(&credential, reach));
                return Ok(Credential::OAuth(credential));
            }
        }
    }
}
