//! Whether the standing stream for a server's own messages is wanted, and whether it stands: a question
//! that comes before it does is lost.

use std::time::Duration;
use tokio::sync::watch;

/// How long the first request waits for it.
const WITHIN: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stream {
    /// Nobody here answers questions.
    #[default]
    NotWanted,
    Wanted,
    /// It stands, or the server has none.
    Settled,
}

#[derive(Default)]
pub(super) struct Listening(watch::Sender<Stream>);

impl Listening {
    pub fn begin(&self) {
        self.0.send_replace(Stream::Wanted);
    }

    pub fn wanted(&self) -> bool {
        *self.0.borrow() != Stream::NotWanted
    }

    pub fn settled(&self) {
        self.0.send_if_modified(|stream| {
            let waited_for = *stream == Stream::Wanted;
            if waited_for {
                *stream = Stream::Settled;
            }
            waited_for
        });
    }

    /// Waits until it stands, where it is wanted.
    pub async fn ready(&self) {
        let mut stream = self.0.subscribe();
        // The sender is `self`, so it outlives this wait.
        let stands = stream.wait_for(|stream| *stream != Stream::Wanted);
        let _ = tokio::time::timeout(WITHIN, stands).await;
    }
}
