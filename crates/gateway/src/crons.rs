//! The gateway's own tools for an agent's crons: register, change, list, remove, ask before a run, and
//! report it. They stand beside the integrations' on `/mcp` only.

use engine::{
    Engine,
    crons::agent::{self, MayRun, Own, Told},
};
use serde_json::{Map, Value, json};
use wire::{AgentView, CronId, Error, ErrorCode};

const REGISTER: &str = "chief_crons_register";
const UPDATE: &str = "chief_crons_update";
const LIST: &str = "chief_crons_list";
const REMOVE: &str = "chief_crons_remove";
const MAY_RUN: &str = "chief_crons_may_run";
const REPORT: &str = "chief_crons_report";

/// The tools, as MCP describes them.
pub(crate) fn tools() -> Vec<Value> {
    let text = |said: &str| json!({ "type": "string", "description": said });
    let depends = json!({
        "type": "array", "items": { "type": "string" },
        "description": "Integrations that a run needs, by their name or the beginning of their tools' names.",
    });
    let cron = text("The cron's id, as register or list told it.");
    let schedule = text("Five fields: minute, hour, day of month, month, day of week.");
    let zone =
        text("A zone of the tz database, such as Europe/Berlin. This computer's own if left out.");
    vec![
        tool(
            REGISTER,
            "Tells Chief of a schedule of yours and what it depends on, so that it is paused when one of \
             those fails. One of the same name is changed. Ask chief_crons_may_run before each run.",
            json!({ "name": text("What it is called."), "schedule": schedule, "time_zone": zone, "depends_on": depends }),
            &["name", "schedule", "depends_on"],
        ),
        tool(
            UPDATE,
            "Changes a cron that you registered. What is left out stays.",
            json!({ "cron": cron, "name": text("A new name."), "schedule": schedule, "time_zone": zone, "depends_on": depends }),
            &["cron"],
        ),
        tool(
            LIST,
            "Your crons, and which of them are paused and why.",
            json!({}),
            &[],
        ),
        tool(
            REMOVE,
            "Removes a cron that you registered.",
            json!({ "cron": cron }),
            &["cron"],
        ),
        tool(
            MAY_RUN,
            "Ask this before each run. Yes comes with the id of the run, which chief_crons_report wants; no \
             comes with why: do not run then.",
            json!({ "cron": cron }),
            &["cron"],
        ),
        tool(
            REPORT,
            "Tells how a run went, once it is over.",
            json!({ "run": text("The run's id, from chief_crons_may_run."), "ok": { "type": "boolean" }, "why": text("Why it failed, in a sentence.") }),
            &["run", "ok"],
        ),
    ]
}

fn tool(name: &str, description: &str, properties: Value, required: &[&str]) -> Value {
    json!({
        "name": name,
        "description": description,
        "inputSchema": { "type": "object", "properties": properties, "required": required },
        "annotations": { "readOnlyHint": name == LIST, "destructiveHint": false, "openWorldHint": false },
    })
}

/// True where a call of that name is one of these.
pub(crate) fn is_own(name: &str) -> bool {
    [REGISTER, UPDATE, LIST, REMOVE, MAY_RUN, REPORT].contains(&name)
}

/// Does it for this agent.
pub(crate) async fn call(
    engine: &Engine,
    asker: &AgentView,
    name: &str,
    arguments: &Value,
) -> Result<Value, Error> {
    let empty = Map::new();
    let given = arguments.as_object().unwrap_or(&empty);
    let told = match name {
        REGISTER => {
            for field in ["name", "schedule"] {
                text(given, field)?;
            }
            own(&agent::register(engine, asker, None, told(given)?).await?)
        }
        UPDATE => own(&agent::register(engine, asker, Some(id(given)?), told(given)?).await?),
        LIST => agent::list(engine, asker).await?.iter().map(own).collect(),
        REMOVE => {
            agent::remove(engine, asker, id(given)?).await?;
            json!({ "removed": true })
        }
        MAY_RUN => match agent::may_run(engine, asker, id(given)?).await? {
            MayRun::Yes { run } => json!({ "may_run": true, "run": run }),
            MayRun::No { why } => json!({ "may_run": false, "why": why }),
        },
        REPORT => {
            let run = text(given, "run")?
                .parse()
                .map_err(|_| wrong("run", "it is no id of a run"))?;
            let ok = given.get("ok").and_then(Value::as_bool);
            let ok = ok.ok_or_else(|| wrong("ok", "true or false is needed"))?;
            let why = given
                .get("why")
                .and_then(Value::as_str)
                .unwrap_or("no reason was told");
            let failed = (!ok).then(|| why.to_owned());
            agent::report(engine, asker, run, failed).await?;
            json!({ "reported": true })
        }
        other => return Err(Error::new(ErrorCode::ToolUnknown).with("tool", other)),
    };
    let content = json!([{ "type": "text", "text": told.to_string() }]);
    let structured = if told.is_object() {
        told
    } else {
        json!({ "crons": told })
    };
    Ok(json!({ "content": content, "structuredContent": structured }))
}

fn own(cron: &Own) -> Value {
    json!({
        "cron": cron.id, "name": cron.name, "schedule": cron.schedule, "time_zone": cron.zone,
        "depends_on": cron.depends, "paused": cron.paused,
    })
}

fn wrong(field: &str, why: &str) -> Error {
    Error::new(ErrorCode::FieldInvalid)
        .with("field", field)
        .with("why", why)
}

fn text<'a>(given: &'a Map<String, Value>, field: &str) -> Result<&'a str, Error> {
    given
        .get(field)
        .and_then(Value::as_str)
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| Error::new(ErrorCode::FieldEmpty).with("field", field))
}

fn id(given: &Map<String, Value>) -> Result<CronId, Error> {
    text(given, "cron")?
        .parse()
        .map_err(|_| wrong("cron", "it is no id of a cron"))
}

fn told(given: &Map<String, Value>) -> Result<Told, Error> {
    let optional = |field: &str| match given.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong(field, "a text is needed")),
    };
    let depends = match given.get("depends_on") {
        None | Some(Value::Null) => None,
        Some(list) => Some(
            serde_json::from_value(list.clone())
                .map_err(|_| wrong("depends_on", "a list of names is needed"))?,
        ),
    };
    Ok(Told {
        name: optional("name")?,
        schedule: optional("schedule")?,
        zone: optional("time_zone")?,
        depends,
    })
}
