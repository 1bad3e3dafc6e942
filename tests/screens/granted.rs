//! Which tools an agent may use, and how many it is listed.

use crate::kit::{
    Screen,
    changing::{Changing, tool},
};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

/// Sixty tools that read, change and destroy.
fn sixty() -> Vec<Value> {
    let nouns = ["charge", "customer", "dispute", "invoice", "payout"];
    let verbs = [
        ("list", "readOnlyHint"),
        ("get", "readOnlyHint"),
        ("create", ""),
        ("update", ""),
        ("refund", ""),
        ("delete", "destructiveHint"),
    ];
    let of = |n: usize| {
        let (verb, hint) = verbs[n % 6];
        let noun = nouns[n / 6 % 5];
        let name = format!("{verb}_{noun}{}", if n < 30 { "" } else { "_v2" });
        let mut tool = tool(&name, &format!("Will {verb} one {noun} of the account."));
        tool["annotations"] = json!({ hint: true });
        tool
    };
    (0..60).map(of).collect()
}

/// The disclosure of the integration that has so many tools.
const MANY: &str = "[data-testid=pick]:nth-of-type(1) [data-testid=narrow]";

#[tokio::test(flavor = "multi_thread")]
async fn of_an_integration_some_tools_are_given_and_others_later() -> Result<()> {
    let many = Changing::serve(sixty()).await?;
    let one = Changing::serve(vec![tool("notify", "Tells the team.")]).await?;
    let screen = Screen::open().await?;
    for (server, name) in [(&many, "Billing"), (&one, "Pager")] {
        let id = screen.connect_mcp(&server.server.url("/mcp")).await?;
        let ask = json!({ "id": id, "name": name });
        screen.ask("rename_integration", ask).await?;
    }
    screen.go("#/agents").await?;
    screen.click("[data-testid=pair-agent]").await?;
    screen.fill("agent-name", "Support bot").await?;
    screen.click("#agent-scope-1").await?;
    for n in 1..=2 {
        let pick = format!("[data-testid=pick]:nth-of-type({n}) > .option input");
        screen.click(&pick).await?;
    }
    screen.reads("[data-testid=sheet]", "All 60 tools").await?;
    screen.reads("[data-testid=sheet]", "Its 1 tool").await?;
    screen.look("pair-closed").await?;

    screen.click(&format!("{MANY} summary")).await?;
    screen.see("[data-testid=narrow-tool]").await?;
    screen.look("pair-sixty").await?;
    screen.click("[data-testid=every-tool]").await?;
    screen.reads(MANY, "0 of 60 tools").await?;
    screen.reads(MANY, "Choose one tool at least").await?;
    let pair = screen.see("[data-testid=pair]").await?;
    ensure!(!pair.is_enabled().await?, "nothing of it is chosen");
    let search = screen.see(&format!("{MANY} [type=search]")).await?;
    search.send_keys("refund_charge\n").await?;
    screen
        .until("the search finds two", async || {
            Ok(screen.count("[data-testid=narrow-tool]").await? == 2)
        })
        .await?;
    screen.click("[data-name=refund_charge] input").await?;
    screen.click("[data-name=refund_charge_v2] input").await?;
    screen.reads(MANY, "2 of 60 tools").await?;
    screen.look("pair-some").await?;
    screen
        .click("[data-testid=pick]:nth-of-type(2) summary")
        .await?;
    screen.see("[data-name=notify]").await?;
    screen.look("pair-one").await?;
    screen.click("#agent-reads-1").await?;
    screen.click("[data-testid=pair]").await?;
    screen.click("[data-testid=pair-finish]").await?;
    let row = "[data-testid=agent]";
    screen.reads(row, "Billing (2 of 60 tools), Pager").await?;
    screen.look("agents-some").await?;

    // Later one more is given, and what was chosen before is still ticked.
    screen.press("Change what Support bot may use").await?;
    screen.reads(MANY, "2 of 60 tools").await?;
    screen.click(&format!("{MANY} summary")).await?;
    screen.click("[data-name=get_charge] input").await?;
    screen.reads(MANY, "3 of 60 tools").await?;
    screen.look("agent-change").await?;
    screen.click("[data-testid=save-agent]").await?;
    screen.reads(row, "Billing (3 of 60 tools), Pager").await?;
    let view = screen.ask("list_agents", json!({})).await?;
    let chosen = &view["chosen"][0]["chosen"]["tools"];
    let three = json!(["get_charge", "refund_charge", "refund_charge_v2"]);
    assert_eq!(*chosen, three, "{view}");

    // Of every integration, and of this one the same three tools.
    screen.press("Change what Support bot may use").await?;
    screen.click("#agent-scope-0").await?;
    let narrowing = "[data-testid=narrowing]";
    screen
        .reads(narrowing, "Of 1 of them, a few tools only")
        .await?;
    screen.click(&format!("{narrowing} > summary")).await?;
    screen.reads(MANY, "3 of 60 tools").await?;
    screen.look("agent-narrowed").await?;
    screen.click("[data-testid=save-agent]").await?;
    screen
        .reads(row, "Every integration, narrowed: Billing (3 of 60 tools)")
        .await?;
    screen.press("Change what Support bot may use").await?;
    screen.click(&format!("{narrowing} > summary")).await?;
    screen.reads(MANY, "3 of 60 tools").await?;
    screen.click(&format!("{MANY} summary")).await?;
    screen.click("[data-testid=every-tool]").await?;
    screen.reads(MANY, "All 60 tools").await?;
    screen.click("[data-testid=save-agent]").await?;
    screen
        .until("nothing is narrowed", async || {
            Ok(screen.text(row).await?.contains("Every integration\n"))
        })
        .await?;
    screen.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn how_many_tools_an_agent_is_listed_is_set_within_bounds() -> Result<()> {
    let screen = Screen::open().await?;
    screen.go("#/settings").await?;
    assert_eq!(screen.value("tools-listed").await?, "60");
    let save = "[data-testid=save-tools-listed]";
    let error = "#tools-listed-error";
    for wrong in ["0", "many", "1001"] {
        screen.fill("tools-listed", wrong).await?;
        screen.click(save).await?;
        screen.reads(error, "1 to 1000 are possible").await?;
    }
    let saved = screen.ask("get_settings", json!({})).await?;
    ensure!(saved["tools_listed"] == 60, "none of them was saved");
    screen.look("settings-tools-listed").await?;
    screen.fill("tools-listed", "25").await?;
    screen.click(save).await?;
    screen.gone(error).await?;
    screen
        .until("it is saved", async || {
            let saved = screen.ask("get_settings", json!({}));
            Ok(saved.await?["tools_listed"] == 25)
        })
        .await?;
    // The same, written otherwise: the field says what is saved.
    screen.fill("tools-listed", " 025").await?;
    screen.click(save).await?;
    screen.see(&format!("{save}[disabled]")).await?;
    assert_eq!(screen.value("tools-listed").await?, "25");
    screen.close().await
}
