//! Agents in the real window, each a program of its own at the gateway: paired, heard of in Activity with
//! the thread that it works for, denied, approved, ended by Disconnect, and left without what fails.

use crate::kit::{
    App, Keyring,
    browser::writes_down,
    changing::{Changing, tool},
    client::Agent,
    on, record, until,
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

const THREAD: &str = "https://acme.slack.com/archives/C024BE91L/p1355517523000008";

/// The generation of the client: the newer one, which knows no sessions.
const ERA: &str = "2";

async fn go(app: &App<'_>, page: &str) -> Result<()> {
    let script = format!("location.hash = '#/{page}'; return true");
    app.script(&script).await.map(drop)
}

/// Connects an MCP server as the sheet would. Its id.
async fn connect(app: &App<'_>, name: &str, server: &Changing) -> Result<String> {
    let target = json!({ "kind": "mcp", "name": name, "url": server.server.url("/mcp"),
        "auth": { "auth": "bearer", "token": "a-key" } });
    let request =
        json!({ "target": target, "confirmed": { "private_address": true }, "ends_at": null });
    let asked = json!({ "request": request });
    let started = app.invoke("start_connect", asked).await?;
    started.map_err(|refused| anyhow::anyhow!("{refused}"))?;
    until(&format!("{name} to be connected"), async || {
        let asked = json!({ "request": {} });
        let cards = app.invoke("list_integrations", asked).await?;
        let cards = cards.map_err(|refused| anyhow::anyhow!("{refused}"))?;
        let cards = cards.as_array().context("cards")?;
        let found = cards.iter().find(|card| card["name"] == name);
        Ok(found.and_then(|card| card["id"].as_str().map(str::to_owned)))
    })
    .await
}

/// Pairs an agent on its page: three clicks beside its name. Where it calls, and its token.
async fn pair(app: &App<'_>, name: &str) -> Result<(String, String)> {
    go(app, "agents").await?;
    app.read("[data-testid=gateway]", "Agents reach Chief at")
        .await?;
    app.click("[data-testid=pair-agent]").await?;
    app.fill("#agent-name", name).await?;
    app.click("label[for=agent-reads-1]").await?;
    app.click("[data-testid=pair]").await?;
    app.read("dialog[open] h1", &format!("{name} is paired"))
        .await?;
    let snippet = app.see("[data-testid=snippet]").await?.text().await?;
    let told: Value = serde_json::from_str(&snippet)?;
    let token = told["mcpServers"]["chief"]["env"]["CHIEF_AGENT_TOKEN"]
        .as_str()
        .with_context(|| snippet.clone())?;
    app.picture("6-paired").await?;
    app.click("[data-testid=pair-finish]").await?;
    app.read("[data-testid=agent]", name).await?;
    let url = app.see("[data-testid=gateway] code").await?.text().await?;
    Ok((url, token.to_owned()))
}

/// Chooses what happens when agents call a tool, on its integration's page.
async fn choose(app: &App<'_>, tool: &str, choice: &str) -> Result<()> {
    let select = format!("[data-testid=tool][data-name={tool}] > [data-testid=policy]");
    app.see(&select).await?;
    let script = format!(
        "const select = document.querySelector('{select}'); select.value = '{choice}'; \
         select.dispatchEvent(new Event('change', {{ bubbles: true }})); return true"
    );
    app.script(&script).await?;
    let sql = format!("select 1 from policies where tool = '{tool}' and choice = '{choice}'");
    until("the policy to be kept", async || {
        Ok((!record::rows(app.desktop(), &sql)?.is_empty()).then_some(()))
    })
    .await
}

/// Has what is said kept, on its integration's page.
async fn keep_bodies(app: &App<'_>, id: &str) -> Result<()> {
    go(app, &format!("integrations/{id}/settings")).await?;
    app.see("#bodies").await?;
    let script = "const select = document.getElementById('bodies'); select.value = '7'; \
                  select.dispatchEvent(new Event('change', { bubbles: true })); return true";
    app.script(script).await?;
    until("the setting to be kept", async || {
        let days = record::rows(app.desktop(), "select days from body_settings")?;
        Ok((!days.is_empty()).then_some(()))
    })
    .await?;
    app.picture("6-settings").await
}

/// Calls while the journey goes on.
fn calling(mut agent: Agent, tool: &'static str, arguments: Value) -> JoinHandle<Result<Value>> {
    tokio::spawn(async move { agent.call(tool, arguments).await })
}

fn code(answer: &Value) -> &Value {
    &answer["_meta"]["app.chief.integrations/error"]["code"]
}

fn said(answer: &Value) -> &str {
    answer["content"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_agent_is_paired_seen_with_its_thread_denied_by_policy_and_approved() -> Result<()> {
    on(Keyring::Unlocked, "agents", async |desktop| {
        let opened = writes_down(desktop)?;
        let tools = vec![
            tool("look", "Looks at a note."),
            tool("send", "Sends a note."),
            tool("delete_note", "Deletes a note."),
        ];
        let server = Changing::serve(tools).await?;
        let app = App::start(desktop).await?;
        let id = connect(&app, "Notes", &server).await?;
        let (url, token) = pair(&app, "Claude").await?;
        let mut agent = Agent::start(ERA, &url, &token).await?;
        keep_bodies(&app, &id).await?;

        // A call, its row, and the thread that it was made for.
        let thread = json!({ "url": THREAD, "title": "Refund 17" });
        let meta = json!({ "app.chief.integrations/thread": thread });
        let answer = agent.call_for("notes__look", json!({}), meta).await?;
        assert_eq!(said(&answer), "look", "{answer}");
        go(&app, "activity").await?;
        app.read("[data-testid=activity-row][data-outcome=ok]", "notes.look")
            .await?;
        app.read("[data-testid=thread]", "Claude · Refund 17")
            .await?;
        app.picture("6-thread").await?;
        app.click("[data-testid=thread]").await?;
        until("the thread to be opened", async || {
            let opened = std::fs::read_to_string(&opened).unwrap_or_default();
            Ok((opened.trim() == THREAD).then_some(()))
        })
        .await?;

        // Denied by policy.
        go(&app, &format!("integrations/{id}/tools")).await?;
        choose(&app, "send", "deny").await?;
        let refused = agent.call("notes__send", json!({})).await?;
        assert_eq!(code(&refused), "policy-denied", "{refused}");
        let listed = agent.tools().await?;
        ensure!(!listed.contains(&"notes__send".to_owned()), "{listed:?}");

        // What asks waits for the window.
        let arguments = json!({ "note": 7, "api_key": "a-planted-secret" });
        let call = calling(agent, "notes__delete_note", arguments.clone());
        app.read("[data-testid=waiting]", "notes.delete_note")
            .await?;
        app.press("Review").await?;
        let shown = app.read("[data-testid=arguments]", "\"note\": 7").await?;
        let shown = shown.text().await?;
        ensure!(!shown.contains("a-planted-secret"), "{shown}");
        app.picture("6-approval").await?;
        assert_eq!(
            server.calls().len(),
            1,
            "the first one: nothing goes out unapproved"
        );
        app.press("Approve").await?;
        let answer = call.await??;
        assert_eq!(said(&answer), "delete_note", "{answer}");
        assert_eq!(
            server.calls()[1]["arguments"],
            arguments,
            "exactly what was asked for"
        );
        go(&app, "activity").await?;
        app.read(
            "[data-testid=activity-row][data-outcome=approved]",
            "notes.delete_note",
        )
        .await?;
        app.read(
            "[data-testid=activity-row][data-outcome=denied]",
            "notes.send",
        )
        .await?;
        app.picture("6-answered").await?;

        // What it said, which that integration keeps; and from a task to its rows.
        app.click("[data-outcome=approved] .row-toggle").await?;
        let said = app
            .read("[data-testid=row-sent]", "\"note\": 7")
            .await?
            .text()
            .await?;
        ensure!(!said.contains("a-planted-secret"), "{said}");
        app.read("[data-testid=row-got]", "delete_note").await?;
        app.picture("6-bodies").await?;
        go(&app, "tasks").await?;
        app.read("[data-testid=task]", "Refund 17").await?;
        app.picture("6-tasks").await?;
        app.press("1: what did Refund 17 touch?").await?;
        app.read("[data-testid=chips]", "Refund 17").await?;
        app.read("[data-testid=activity-row]", "notes.look").await?;
        assert_eq!(
            app.count("[data-testid=activity-row]").await?,
            1,
            "its own row alone"
        );
        app.picture("6-of-a-task").await?;
        app.quit().await
    })
    .await
}

#[tokio::test]
async fn a_call_under_way_ends_by_name_and_what_fails_is_not_in_a_new_task() -> Result<()> {
    on(Keyring::Unlocked, "agents-ended", async |desktop| {
        let slow = Changing::serve(vec![tool("wait", "Waits for ever.")]).await?;
        let frail = Changing::serve(vec![tool("look", "Looks.")]).await?;
        let app = App::start(desktop).await?;
        let id = connect(&app, "Slow", &slow).await?;
        connect(&app, "Frail", &frail).await?;
        let (url, token) = pair(&app, "Claude").await?;
        let mut agent = Agent::start(ERA, &url, &token).await?;
        let listed = agent.tools().await?;
        for name in ["slow__wait", "frail__look"] {
            ensure!(listed.contains(&name.to_owned()), "{listed:?}");
        }

        // It refuses its key: its tools are gone from a new task, and a call of it is refused by name.
        frail.trouble(401);
        go(&app, "").await?;
        app.press("Test: Frail").await?;
        app.see("[data-testid=card][data-status=failing]").await?;
        let mut new = Agent::start(ERA, &url, &token).await?;
        let listed = new.tools().await?;
        ensure!(!listed.contains(&"frail__look".to_owned()), "{listed:?}");
        ensure!(listed.contains(&"slow__wait".to_owned()), "{listed:?}");
        let refused = new.call("frail__look", json!({})).await?;
        assert_eq!(code(&refused), "integration-failing", "{refused}");
        ensure!(said(&refused).contains("Frail"), "{refused}");
        ensure!(frail.calls().is_empty(), "nothing went out");
        app.picture("6-failing").await?;

        // Disconnect in the middle of a call.
        let call = calling(agent, "slow__wait", json!({}));
        until("the call to arrive", async || {
            Ok((!slow.calls().is_empty()).then_some(()))
        })
        .await?;
        go(&app, &format!("integrations/{id}/settings")).await?;
        app.press("Disconnect").await?;
        app.read("dialog[open]", "One call that is running now fails")
            .await?;
        app.picture("6-disconnect").await?;
        app.click("[data-testid=disconnect-confirm]").await?;
        let ended = call.await??;
        assert_eq!(code(&ended), "integration-disconnected", "{ended}");
        ensure!(said(&ended).contains("Slow"), "{ended}");
        app.read("[data-testid=disconnect-result]", "").await?;
        app.press("Close").await?;
        go(&app, "activity").await?;
        app.read(
            "[data-testid=activity-row][data-outcome=failed]",
            "slow.wait",
        )
        .await?;
        app.quit().await
    })
    .await
}
