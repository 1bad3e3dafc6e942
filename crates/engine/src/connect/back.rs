//! The way back from the browser: a listener on this computer, and what happens to answers that come
//! when it is over.

use super::attempt::{Attempt, Stopped};
use crate::{
    Engine,
    connect::way::WayBack,
    links,
    oauth::{Answered, Callback, Flow, Loopback},
};
use wire::Error;

/// The way back from the browser. However the sign-in ends (done, cancelled, failed, ten minutes),
/// what comes after it is refused for a minute more, a row for each.
pub(super) struct Door {
    engine: Engine,
    loopback: Option<Loopback>,
    /// Its port is needed again by the next sign-in.
    fixed: bool,
    by_link: bool,
}

impl Door {
    /// Errors: `LoopbackUnavailable`.
    pub async fn open(engine: &Engine, back: &WayBack) -> Result<Self, Error> {
        let loopback = match back {
            WayBack::Loopback => Loopback::bind().await?,
            WayBack::LoopbackFixed { port, name } => Loopback::bind_at(*port, *name).await?,
            WayBack::DeepLink => Loopback::bind().await?.by_link(links::CALLBACK),
            WayBack::Relay { url } => Loopback::bind().await?.by_link(url.as_str()),
        };
        Ok(Self {
            engine: engine.clone(),
            fixed: matches!(back, WayBack::LoopbackFixed { .. }),
            by_link: matches!(back, WayBack::DeepLink | WayBack::Relay { .. }),
            loopback: Some(loopback),
        })
    }

    /// The answer comes by a deep link, which reaches the app also when it has been started anew.
    pub fn is_by_link(&self) -> bool {
        self.by_link
    }

    /// Opens the browser and waits for the answer to `flow`. A forged one is a row, and the wait
    /// goes on.
    pub async fn answer(&mut self, attempt: &Attempt, flow: &Flow) -> Result<Callback, Stopped> {
        let engine = self.engine.clone();
        let letters = self
            .loopback_mut()
            .listen(&flow.authorization_url, flow.state());
        attempt.takes_links(letters);
        attempt.open_browser(&engine, self);
        loop {
            let answered = self.loopback_mut().answer(
                &flow.authorization_url,
                flow.state(),
                attempt.cancel.clone(),
            );
            match attempt.or_stopped(answered).await? {
                Answered::Callback(callback) => return Ok(callback),
                Answered::Refused => {
                    let what = "a forged or stale sign-in answer was refused";
                    engine.note_refused(what).await?;
                }
            }
        }
    }

    fn loopback_mut(&mut self) -> &mut Loopback {
        self.loopback.as_mut().expect("taken in drop only")
    }
}

impl std::ops::Deref for Door {
    type Target = Loopback;

    fn deref(&self) -> &Loopback {
        self.loopback.as_ref().expect("taken in drop only")
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let (Some(mut loopback), Ok(runtime)) =
            (self.loopback.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        if self.fixed {
            return;
        }
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
