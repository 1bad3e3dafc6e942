//! Whether a call is made, asked about, or refused: a pure decision.
//!
//! Owns: what holds where nobody chose, which choice goes before which, and what exactly an approval
//! is for. Must not know: who is asked and how (`calls::approval`), or how a choice is kept.
//!
//! By itself, what reads and what changes is allowed, and what may destroy asks. A server's hints can
//! only raise a risk (`connectors::tool`): nothing is gained by *says that it reads*, since what says
//! nothing is allowed too; *may destroy* is what its hint or its name says. What an HTTP method proves
//! counts for more than the tool it is called through.

use crate::connectors::{Config, canonical_text, names_a_method, sha256};
use serde_json::Value;
use wire::{AgentId, Choice, IntegrationId, Risk, TaskId};

/// Whose call it is: decides which rules hold, and who can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// An admin, in the window: nobody else is asked.
    Admin,
    /// A paired agent; an admin is asked in the window.
    Agent {
        id: AgentId,
        name: String,
        task: TaskId,
    },
    /// What runs by itself. Nobody can be asked, so what asks must have been approved beforehand
    /// (`store::policies::preapprove`), for this owner.
    Itself { owner: String },
}

impl By {
    pub(crate) fn agent(&self) -> Option<AgentId> {
        match self {
            Self::Agent { id, .. } => Some(*id),
            Self::Admin | Self::Itself { .. } => None,
        }
    }

    pub(crate) fn task(&self) -> Option<TaskId> {
        match self {
            Self::Agent { task, .. } => Some(*task),
            Self::Admin | Self::Itself { .. } => None,
        }
    }
}

/// What admins chose for one tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// For every agent.
    pub everyone: Option<Choice>,
    /// For the agent that calls.
    pub agent: Option<Choice>,
}

/// What holds where nobody chose.
#[must_use]
pub fn by_itself(risk: Risk) -> Choice {
    match risk {
        Risk::Reads | Risk::Writes => Choice::Allow,
        Risk::Destroys => Choice::Ask,
    }
}

/// What holds. An agent's own choice goes before the one for all, but loosens no denial.
#[must_use]
pub fn decide(risk: Risk, rules: Rules) -> Choice {
    match (rules.everyone, rules.agent) {
        (Some(Choice::Deny), _) => Choice::Deny,
        (_, Some(own)) => own,
        (Some(all), None) => all,
        (None, None) => by_itself(risk),
    }
}

/// The risk of this very call. The one tool of an API without a document takes the method as an
/// argument: GET and HEAD only read, DELETE destroys, and so may what names another method beside it.
#[must_use]
pub fn risk_of(config: &Config, of_tool: Risk, arguments: &Value) -> Risk {
    match config {
        Config::Api { .. } if names_a_method(arguments) => Risk::Destroys,
        Config::Api {
            described: false, ..
        } => match arguments.get("method").and_then(Value::as_str) {
            Some("GET" | "HEAD") => Risk::Reads,
            Some("POST" | "PUT" | "PATCH") => Risk::Writes,
            // DELETE, and what the connector will refuse.
            Some(_) | None => of_tool,
        },
        Config::Api {
            described: true, ..
        }
        | Config::Mcp { .. }
        | Config::Sample => of_tool,
    }
}

/// Whether a call of this tool may be one that only reads: an API without a document takes GET, too.
#[must_use]
pub fn may_read(config: &Config, of_tool: Risk) -> bool {
    let get = serde_json::json!({ "method": "GET" });
    risk_of(config, of_tool, &get) == Risk::Reads
}

/// What an approval is for, exactly: another tool, another text of it, or other arguments need
/// another approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exact {
    pub integration: IntegrationId,
    pub tool: String,
    /// SHA-256, hex: the tool as it is told now.
    pub tool_hash: String,
    /// SHA-256, hex, of the arguments' canonical JSON.
    pub arguments_hash: String,
}

impl Exact {
    #[must_use]
    pub fn new(integration: IntegrationId, tool: &str, tool_hash: &str, arguments: &Value) -> Self {
        Self {
            integration,
            tool: tool.to_owned(),
            tool_hash: tool_hash.to_owned(),
            arguments_hash: sha256(&canonical_text(arguments)),
        }
    }

    /// One hash of all of it.
    #[must_use]
    pub fn hash(&self) -> String {
        let parts = [
            &self.integration.to_string(),
            &self.tool,
            &self.tool_hash,
            &self.arguments_hash,
        ];
        sha256(&canonical_text(&serde_json::json!(parts)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(Risk::Reads, None, None, Choice::Allow)]
    #[case(Risk::Writes, None, None, Choice::Allow)]
    #[case(Risk::Destroys, None, None, Choice::Ask)]
    #[case(Risk::Reads, Some(Choice::Ask), None, Choice::Ask)]
    #[case(Risk::Destroys, Some(Choice::Allow), None, Choice::Allow)]
    #[case(Risk::Destroys, None, Some(Choice::Allow), Choice::Allow)]
    #[case(Risk::Reads, Some(Choice::Allow), Some(Choice::Deny), Choice::Deny)]
    #[case(Risk::Reads, Some(Choice::Ask), Some(Choice::Allow), Choice::Allow)]
    #[case(Risk::Reads, Some(Choice::Deny), Some(Choice::Allow), Choice::Deny)]
    fn an_agents_own_choice_goes_first_but_loosens_no_denial(
        #[case] risk: Risk,
        #[case] everyone: Option<Choice>,
        #[case] agent: Option<Choice>,
        #[case] expected: Choice,
    ) {
        assert_eq!(decide(risk, Rules { everyone, agent }), expected);
    }

    #[test]
    fn an_api_without_a_document_is_judged_by_the_method() {
        let plain = |described| Config::Api {
            base_url: "https://api.example.com".to_owned(),
            health_path: String::new(),
            private_hosts: vec![],
            way: None,
            described,
        };
        for (method, risk) in [
            (json!("GET"), Risk::Reads),
            (json!("HEAD"), Risk::Reads),
            (json!("PATCH"), Risk::Writes),
            (json!("DELETE"), Risk::Destroys),
            (json!("get"), Risk::Destroys),
            (json!(1), Risk::Destroys),
        ] {
            let arguments = json!({ "method": method });
            let found = risk_of(&plain(false), Risk::Destroys, &arguments);
            assert_eq!(found, risk, "{arguments}");
        }
        let post = |beside: Value| {
            let mut arguments = json!({ "method": "POST", "path": "/users/7" });
            for (name, value) in beside.as_object().into_iter().flatten() {
                arguments[name] = value.clone();
            }
            risk_of(&plain(false), Risk::Destroys, &arguments)
        };
        for beside in [
            json!({ "query": { "_method": "DELETE" } }),
            json!({ "query": { "X-HTTP-Method-Override": "DELETE" } }),
            json!({ "query": { " .METHOD[]": "DELETE" } }),
            json!({ "path": "/users/7?a=1&%5Fmethod=DELETE" }),
            json!({ "path": "/users/7?a=1;_method=DELETE" }),
            json!({ "body": { "a": 1, "_method": "DELETE" } }),
            json!({ "method": "GET", "query": { "_method": "DELETE" } }),
        ] {
            let found = post(beside.clone());
            assert_eq!(found, Risk::Destroys, "{beside}");
        }
        for beside in [
            json!({ "body": { "method": "x", "of": { "_method": "DELETE" } } }),
            json!({ "body": "as _method says" }),
            json!({ "path": "/users/_method?method=DELETE" }),
        ] {
            assert_eq!(post(beside.clone()), Risk::Writes, "{beside}");
        }
        let told = json!({ "body": { "_method": "DELETE" } });
        assert_eq!(risk_of(&plain(true), Risk::Writes, &told), Risk::Destroys);
        let arguments = json!({ "method": "GET" });
        assert_eq!(
            risk_of(&plain(true), Risk::Destroys, &arguments),
            Risk::Destroys,
            "an operation's method is its own, not an argument"
        );
    }

    #[test]
    fn another_argument_or_another_tool_is_another_approval() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057"
            .parse()
            .expect("a UUID");
        let one = Exact::new(id, "refund", "aa", &json!({ "a": 1, "b": [1, 2] }));
        let same = Exact::new(id, "refund", "aa", &json!({ "b": [1, 2], "a": 1 }));
        assert_eq!(one.hash(), same.hash(), "order is not content");
        for other in [
            Exact::new(id, "refund", "aa", &json!({ "a": 1, "b": [2, 1] })),
            Exact::new(id, "refund", "ab", &json!({ "a": 1, "b": [1, 2] })),
            Exact::new(id, "refund2", "aa", &json!({ "a": 1, "b": [1, 2] })),
        ] {
            assert_ne!(one.hash(), other.hash(), "{other:?}");
        }
    }
}
