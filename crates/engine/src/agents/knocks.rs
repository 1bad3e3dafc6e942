//! What the gateway's doors turn away before anything of it is asked of the engine: each is a row, and a
//! flood of one kind of stranger or of one agent hides nobody else's.
//!
//! Owns: the sentences, and who is named in them. Must not know: how a door notices.

use crate::{Engine, refusals::Who};
use wire::{AgentView, Error};

/// Why a request was turned away at a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knock {
    ForeignHost,
    ForeignOrigin,
    NoSuchPath,
    TooManyAtOnce,
    TooLarge,
    TooSlow,
    BrokenOff,
}

impl Knock {
    fn why(self) -> &'static str {
        match self {
            Self::ForeignHost => "its Host is not this gateway",
            Self::ForeignOrigin => "its Origin is not this gateway; it may be a web page",
            Self::NoSuchPath => "there is nothing at its path",
            Self::TooManyAtOnce => "too many requests at once",
            Self::TooLarge => "a message that is too large",
            Self::TooSlow => "a message took too long",
            Self::BrokenOff => "a message broke off",
        }
    }
}

/// A row about a request that was turned away; `agent`: whose it was, where that is known. It is refused
/// whether the row can be written or not.
pub async fn turned_away(engine: &Engine, agent: Option<&AgentView>, knock: Knock) {
    let why = knock.why();
    let noted = match agent {
        Some(agent) => of_agent(engine, &agent.name, why).await,
        None => {
            let what = format!("a request to the gateway was refused: {why}");
            engine.note_refused_of(Who::Gateway, &what).await
        }
    };
    if let Err(error) = noted {
        tracing::warn!(%error, why, "what the gateway turned away could not be recorded");
    }
}

/// A row about a token that is nobody's, or none at all.
pub(super) async fn stranger(engine: &Engine) -> Result<(), Error> {
    let what = "a program without a valid agent token was refused at the gateway";
    engine.note_refused_of(Who::Gateway, what).await
}

pub(super) async fn of_agent(engine: &Engine, name: &str, why: &str) -> Result<(), Error> {
    let what = format!("the agent {name} was refused at the gateway: {why}");
    engine
        .note_refused_of(Who::Agent(name.to_owned()), &what)
        .await
}
