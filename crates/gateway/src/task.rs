//! What a call belongs to: the task and the Slack thread that the agent names. The modern era has no
//! sessions, so every request says it anew: in `_meta`, or in headers.

use axum::http::HeaderMap;
use rmcp::model::JsonObject;
use serde_json::Value;
use url::Url;
use wire::{AgentView, Because, ByAgent};

/// Characters of a title, at most.
const TITLE_MAX: usize = 120;

/// The task of a call. All of it is as told by the agent, and is shown as such: one line, inert, and a
/// link only where it leads to a Slack thread.
pub(crate) fn because(
    agent: &AgentView,
    meta: &JsonObject,
    headers: Option<&HeaderMap>,
) -> Because {
    let of_header = |name: &str| std::str::from_utf8(headers.as_ref()?.get(name)?.as_bytes()).ok();
    let thread = meta.get("app.chief.integrations/thread");
    // `{url, channel, title}`, or the link alone.
    let part = |key: &str| {
        let text = match thread {
            Some(Value::String(url)) if key == "url" => Some(url.as_str()),
            Some(thread) => thread.get(key).and_then(Value::as_str),
            None if key == "url" => of_header("chief-thread"),
            None => None,
        };
        text.map(engine::http::inert)
            .filter(|text| !text.is_empty())
    };
    let task = match meta.get("app.chief.integrations/task") {
        Some(task) => task.as_str(),
        None => of_header("chief-task"),
    };
    let named_task = task
        .map(engine::http::inert)
        .map(|task| task.chars().take(TITLE_MAX).collect::<String>())
        .filter(|task| !task.is_empty());
    let named = part("title")
        .or_else(|| part("channel"))
        .or_else(|| named_task.clone());
    let title = match named {
        Some(named) => format!("{} · {}", agent.name, named),
        None => agent.name.clone(),
    };
    Because::Task {
        title: title.chars().take(TITLE_MAX).collect(),
        url: part("url").filter(|url| is_thread(url)),
        agent: Some(ByAgent {
            id: agent.id,
            name: agent.name.clone(),
        }),
        task: named_task,
    }
}

/// Whether a request is of the newer era, which names its version in each and has no sessions.
pub(crate) fn is_modern(meta: &JsonObject) -> bool {
    meta.contains_key("io.modelcontextprotocol/protocolVersion")
}

/// `https://{team}.slack.com/archives/…`: nothing else becomes a link in the record.
fn is_thread(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https"
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url
                .host_str()
                .is_some_and(|host| host.ends_with(".slack.com"))
            && url.path().starts_with("/archives/")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wire::{AgentId, Time};

    fn agent() -> AgentView {
        AgentView {
            id: "01890a5d-ac96-774b-bcce-b302099a8057"
                .parse::<AgentId>()
                .expect("a UUID"),
            name: "Chief".to_owned(),
            integrations: None,
            read_only: false,
            paired_at: Time(0),
            expires_at: None,
            last_used_at: None,
            calls: 0,
        }
    }

    fn told(meta: Value) -> (String, Option<String>) {
        let Value::Object(meta) = meta else {
            panic!("an object");
        };
        match because(&agent(), &meta, None) {
            Because::Task { title, url, .. } => (title, url),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_thread_is_named_and_linked() {
        let url = "https://acme.slack.com/archives/C1/p2";
        let meta = json!({ "app.chief.integrations/thread": { "url": url, "title": "Refund 17" } });
        assert_eq!(
            told(meta),
            ("Chief · Refund 17".to_owned(), Some(url.to_owned()))
        );
        assert_eq!(told(json!({})), ("Chief".to_owned(), None));
        let mut headers = HeaderMap::new();
        headers.insert("chief-thread", url.parse().expect("a header"));
        headers.insert("chief-task", "nightly".parse().expect("a header"));
        let Because::Task {
            title,
            url: link,
            task,
            ..
        } = because(&agent(), &JsonObject::new(), Some(&headers))
        else {
            panic!("a task");
        };
        assert_eq!(task.as_deref(), Some("nightly"));
        assert_eq!(
            (title.as_str(), link.as_deref()),
            ("Chief · nightly", Some(url))
        );
    }

    #[test]
    fn what_is_no_slack_thread_is_no_link() {
        for url in [
            "javascript:alert(1)",
            "http://acme.slack.com/archives/C1",
            "https://acme.slack.com.evil.example/archives/C1",
            "https://slack.com@evil.example/archives/C1",
            "https://acme.slack.com/files/C1",
            "https://evilslack.com/archives/C1",
        ] {
            let (_, link) = told(json!({ "app.chief.integrations/thread": url }));
            assert_eq!(link, None, "{url}");
        }
        let (title, _) = told(json!({ "app.chief.integrations/task": "a\u{202e}b\nc".repeat(99) }));
        assert!(title.chars().count() <= TITLE_MAX && !title.contains(['\u{202e}', '\n']));
    }
}
