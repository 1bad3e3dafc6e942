//! Where Add integration is, and where it goes back to.

use crate::say::say;
use wire::AttemptId;
use yew::AttrValue;

/// What the sheet shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Choose,
    Mcp,
    Api,
    Provider,
    Running(AttemptId, Origin),
}

/// Where an attempt was started, and goes back to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Sample,
    Form(Form),
    Provider,
}

/// A form for what is connected by its address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Mcp,
    Api,
}

impl Form {
    pub fn step(self) -> Step {
        match self {
            Self::Mcp => Step::Mcp,
            Self::Api => Step::Api,
        }
    }

    pub fn title(self) -> AttrValue {
        say(match self {
            Self::Mcp => "kind-mcp",
            Self::Api => "kind-api",
        })
    }
}

impl Origin {
    pub fn step(self) -> Step {
        match self {
            Self::Sample => Step::Choose,
            Self::Form(form) => form.step(),
            Self::Provider => Step::Provider,
        }
    }
}
