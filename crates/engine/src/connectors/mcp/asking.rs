//! What a tool asks a person while it runs (MCP, "Elicitation"), and the answer that goes back.
//!
//! Owns: the question as it may be shown, the answer as the server may get it. Must not know: who is
//! asked, or where the question is shown.

use super::{Mcp, ears::Ears};
use crate::http::inert;
use futures::future::BoxFuture;
use rmcp::{
    ClientHandler, RoleClient,
    model::{
        ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction, ErrorData,
        InputRequest, InputRequiredResult, InputResponses, ProgressNotificationParam,
    },
    service::{NotificationContext, RequestContext},
};
use serde_json::{Map, Value};
use std::sync::Arc;
use tokio::sync::Notify;

/// A question of a running tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The server's words, inert.
    pub message: String,
    /// What is asked for: a JSON Schema of an object with plain fields. The server's, unchecked.
    pub schema: Value,
}

/// What the person said.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The fields that were filled in. One that was left out gets the schema's default.
    Given(Map<String, Value>),
    /// No.
    Declined,
    /// Nobody answered.
    Cancelled,
}

/// Who answers the questions of one call.
pub type Ask = Arc<dyn Fn(Question) -> BoxFuture<'static, Answer> + Send + Sync>;

/// This side of one connection: what it says of itself, who is asked, who hears how far a call is, and who
/// that the server's tools changed. Nothing else that a server tells by itself is listened to.
pub(super) struct Us {
    pub config: ClientConfig,
    pub ask: Option<Ask>,
    pub tools_changed: Arc<Notify>,
    pub ears: Ears,
}

impl Us {
    /// Who says no to whatever a server asks.
    pub fn answering_nobody(mcp: &Mcp) -> Self {
        Self {
            config: ClientConfig::default(),
            ask: None,
            tools_changed: mcp.tools_changed.clone(),
            ears: Ears::default(),
        }
    }
}

impl ClientHandler for Us {
    /// Revisions up to 2025-11-25: the server's own request.
    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        Ok(put(self.ask.as_ref(), request).await)
    }

    fn get_info(&self) -> ClientConfig {
        self.config.clone()
    }

    async fn on_progress(
        &self,
        told: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.ears.hear(told).await;
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.tools_changed.notify_one();
    }
}

/// Revision 2026-07-28: the answers to everything that an unfinished result asks for. `None` where
/// nobody can be asked, or something else than a person's input is wanted.
pub(super) async fn answers(
    ask: Option<&Ask>,
    wanted: &InputRequiredResult,
) -> Option<InputResponses> {
    let mut answers = InputResponses::new();
    for (key, request) in wanted.input_requests.iter().flatten() {
        let InputRequest::Elicitation(request) = request else {
            return None;
        };
        let answer = put(Some(ask?), request.params.clone()).await;
        answers.insert(key.clone(), serde_json::to_value(answer).ok()?);
    }
    Some(answers)
}

async fn put(ask: Option<&Ask>, request: ElicitRequestParams) -> ElicitResult {
    // A page to be opened is declined: this app says that it takes forms only.
    let ElicitRequestParams::FormElicitationParams {
        message,
        requested_schema,
        ..
    } = request
    else {
        return ElicitResult::new(ElicitationAction::Decline);
    };
    let (Some(ask), Ok(schema)) = (ask, serde_json::to_value(requested_schema)) else {
        return ElicitResult::new(ElicitationAction::Decline);
    };
    let question = Question {
        message: inert(&message),
        schema: schema.clone(),
    };
    match ask(question).await {
        Answer::Given(fields) => ElicitResult::new(ElicitationAction::Accept)
            .with_content(Value::Object(filled(fields, &schema))),
        Answer::Declined => ElicitResult::new(ElicitationAction::Decline),
        Answer::Cancelled => ElicitResult::new(ElicitationAction::Cancel),
    }
}

/// The fields, with the schema's defaults for those that were left out (SEP-1034).
fn filled(mut fields: Map<String, Value>, schema: &Value) -> Map<String, Value> {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        if let Some(default) = property.get("default").filter(|value| !value.is_null()) {
            fields
                .entry(name.clone())
                .or_insert_with(|| default.clone());
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(properties: Value) -> ElicitRequestParams {
        let told = json!({
            "mode": "form", "message": "sure\u{202e}?",
            "requestedSchema": { "type": "object", "properties": properties },
        });
        serde_json::from_value(told).expect("it is an elicitation")
    }

    #[tokio::test]
    async fn a_field_that_was_left_out_gets_its_default_and_one_that_was_given_keeps_its_value() {
        let ask: Ask = Arc::new(|question| {
            assert_eq!(question.message, inert("sure\u{202e}?"), "shown inert");
            Box::pin(async { Answer::Given(Map::from_iter([("age".to_owned(), json!(41))])) })
        });
        let asked = request(json!({
            "age": { "type": "integer", "default": 30 },
            "name": { "type": "string", "default": "Ann" },
            "note": { "type": "string" },
        }));
        let said = put(Some(&ask), asked).await;
        assert_eq!(said.action, ElicitationAction::Accept);
        assert_eq!(said.content, Some(json!({ "age": 41, "name": "Ann" })));
    }

    #[tokio::test]
    async fn where_nobody_can_be_asked_the_answer_is_no() {
        let said = put(None, request(json!({}))).await;
        assert_eq!(
            (said.action, said.content),
            (ElicitationAction::Decline, None)
        );
        let unfinished: InputRequiredResult = serde_json::from_value(json!({
            "resultType": "input_required",
            "inputRequests": { "sure": { "method": "elicitation/create", "params": {
                "message": "sure?", "requestedSchema": { "type": "object", "properties": {} },
            } } },
        }))
        .expect("it is one");
        assert_eq!(answers(None, &unfinished).await, None);
    }
}
