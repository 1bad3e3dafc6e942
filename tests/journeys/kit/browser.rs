//! The browser's part: the whole sign-in at a real server, or just the way to the app's callback.

use anyhow::{Context, Result, bail};
use chief_tests::peers::sign_in::{Answer, Ended, sign_in};
use engine::fakes::FakeDesk;
use reqwest::{Client, header::LOCATION, redirect::Policy};
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

/// What the browsers ended on, oldest first.
#[derive(Clone, Default)]
pub struct Ends(Arc<Mutex<Vec<Result<Ended>>>>);

impl Ends {
    /// The pages, or the first trouble.
    pub fn pages(&self) -> Result<Vec<Ended>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
            .into_iter()
            .collect()
    }
}

/// From now on every link that the desk opens is followed to its end by a fresh browser, in which
/// Ann signs in and agrees.
pub fn signs_in(desk: &FakeDesk) -> Ends {
    answers(desk, Answer::Agree)
}

/// The same, with Ann's own mind.
pub fn answers(desk: &FakeDesk, answer: Answer) -> Ends {
    let ends = Ends::default();
    let (written, runtime) = (ends.clone(), tokio::runtime::Handle::current());
    desk.on_open(move |link| {
        let written = written.clone();
        runtime.spawn(async move {
            let end = sign_in(&link, "ann", answer).await;
            written
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(end);
        });
    });
    ends
}

fn client() -> Result<Client> {
    Ok(Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .build()?)
}

/// Follows redirects from the link that was opened until the app's own callback would be asked for.
pub async fn to_callback(link: &str) -> Result<Url> {
    follow(link, |url| url.path() == "/callback").await
}

/// Follows redirects from the link that was opened until the browser would leave this computer for `host`.
pub async fn to_host(link: &str, host: &str) -> Result<Url> {
    follow(link, |url| url.host_str() == Some(host)).await
}

/// The same until another program would be asked to open a link of that scheme.
pub async fn to_scheme(link: &str, scheme: &str) -> Result<Url> {
    follow(link, |url| url.scheme() == scheme).await
}

async fn follow(link: &str, arrived: impl Fn(&Url) -> bool) -> Result<Url> {
    let client = client()?;
    let mut url = Url::parse(link)?;
    for _ in 0..10 {
        let answer = client.get(url.clone()).send().await?;
        let Some(target) = answer.headers().get(LOCATION) else {
            bail!(
                "{url} answered {}: {}",
                answer.status(),
                answer.text().await?
            );
        };
        url = url.join(target.to_str()?)?;
        if arrived(&url) {
            return Ok(url);
        }
    }
    bail!("the way does not end, the last was {url}")
}

/// The same address with another value for one parameter; `None` takes the parameter away.
pub fn altered(url: &Url, name: &str, value: Option<&str>) -> Url {
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(found, _)| found != name)
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect();
    let mut altered = url.clone();
    altered.query_pairs_mut().clear().extend_pairs(kept);
    if let Some(value) = value {
        altered.query_pairs_mut().append_pair(name, value);
    }
    altered
}

/// Opens one page: its status and text.
pub async fn look(url: &Url) -> Result<(u16, String)> {
    let answer = client()?
        .get(url.clone())
        .send()
        .await
        .context("the page")?;
    Ok((answer.status().as_u16(), answer.text().await?))
}
