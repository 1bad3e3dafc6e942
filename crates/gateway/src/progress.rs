//! How far a call is, told to the agent that asked to hear it.

use engine::connectors::{Caller, Progress};
use rmcp::{
    Peer, RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// News that wait for a slow agent, at most; more are left out.
const WAITING: usize = 16;

/// A call's news, on their way to the agent.
pub(crate) struct News {
    token: ProgressToken,
    told: mpsc::Receiver<Progress>,
}

/// The caller that the engine is given, and the news, where the agent wants any.
pub(crate) fn caller(
    hung_up: CancellationToken,
    token: Option<ProgressToken>,
) -> (Caller, Option<News>) {
    match token {
        None => (hung_up.into(), None),
        Some(token) => {
            let (hears, told) = mpsc::channel(WAITING);
            (Caller::hearing(hung_up, hears), Some(News { token, told }))
        }
    }
}

/// Passes the news on until there is an answer; none comes after it. Progress only ever grows (MCP,
/// Progress), whatever the server tells.
pub(crate) async fn until<T>(
    peer: &Peer<RoleServer>,
    news: Option<News>,
    answer: impl Future<Output = T>,
) -> T {
    let Some(News { token, mut told }) = news else {
        return answer.await;
    };
    tokio::pin!(answer);
    let mut last = f64::NEG_INFINITY;
    loop {
        let heard = tokio::select! {
            biased;
            Some(heard) = told.recv() => heard,
            answer = &mut answer => return answer,
        };
        if heard.progress > last {
            last = heard.progress;
            let mut passed = ProgressNotificationParam::new(token.clone(), heard.progress);
            passed.total = heard.total;
            passed.message = heard.message;
            // Where the agent has gone, its call is cancelled on another way.
            let _ = peer.notify_progress(passed).await;
        }
    }
}
