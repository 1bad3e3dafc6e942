//! What keeps a cron from starting: it says why, sends nothing, and is one notice until it starts again.

use super::home::{cron, greet, refusing};
use crate::kit::{
    Home,
    changing::{Changing, tool},
    code, targets, tick,
};
use anyhow::{Context, Result};
use engine::{fakes::FakeClock, ports::Press};
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};
use wire::{CronId, ErrorCode, IntegrationId, NoticeView, RunOutcome};

const MINUTE: i64 = 60_000;

/// A cron that runs each minute and calls `report` of a server whose tools change.
struct Scene {
    home: Home,
    clock: Arc<FakeClock>,
    server: Changing,
    keyed: IntegrationId,
    id: CronId,
}

impl Scene {
    async fn new() -> Result<Self> {
        let server = Changing::serve(vec![report("Reports.", json!({}))]).await?;
        let (home, clock) = Home::with_fake_clock().await?;
        let keyed = home
            .connect(targets::mcp_bearer(&server.server.url("/mcp"), "key"))
            .await?;
        let calls = json!([
            { "integration": keyed, "tool": "report", "arguments": "{\"days\": 7}" },
        ]);
        let id = home
            .save(cron("Nightly report", "* * * * *", calls))
            .await?;
        let scene = Self {
            home,
            clock,
            server,
            keyed,
            id,
        };
        scene.clock.advance(MINUTE);
        let ran = scene.home.ran(id, 1).await?;
        assert_eq!(ran.runs[0].outcome, RunOutcome::Ok, "{ran:?}");
        Ok(scene)
    }

    /// The server tells other tools from now on, and they are looked at.
    async fn tell(&self, tools: Vec<Value>) -> Result<()> {
        self.server.tell(tools);
        let id = json!({ "id": self.keyed });
        self.home.ask::<wire::ProbeIntegration>(id).await?;
        Ok(())
    }

    async fn accept(&self) -> Result<()> {
        let of = json!({ "id": self.keyed });
        let tools = self.home.ask::<wire::ListTools>(of).await?;
        let seen: Vec<Value> = tools
            .iter()
            .filter_map(|tool| Some((&tool.name, tool.held.as_ref()?)))
            .map(|(name, held)| json!({ "name": name, "hash": held.hash }))
            .collect();
        let accept = json!({ "id": self.keyed, "tools": seen });
        self.home.ask::<wire::AcceptTools>(accept).await?;
        Ok(())
    }

    async fn notices(&self) -> Result<Vec<NoticeView>> {
        Ok(self.home.ask::<wire::ListNotices>(json!({})).await?)
    }

    /// Two of its minutes come: neither run starts, nothing is sent, and one notice says why.
    async fn is_stuck(&self, why: ErrorCode, says: &str) -> Result<()> {
        let (sent, told) = (self.server.calls().len(), self.home.desk.told().len());
        let ran = self.home.ended(self.id).await?.len();
        for n in 1..=2 {
            self.clock.advance(MINUTE);
            let cron = self.home.ran(self.id, ran + n).await?;
            let run = cron.runs.last().context("it ran")?;
            assert_eq!(run.outcome, RunOutcome::NotStarted, "{why:?}: {run:?}");
            let said = run.error.as_ref().map(|error| error.code);
            assert_eq!(said, Some(why), "{run:?}");
        }
        assert_eq!(self.server.calls().len(), sent, "{why:?}: nothing was sent");
        let notices = self.notices().await?;
        let open: Vec<&NoticeView> = notices
            .iter()
            .filter(|notice| notice.resolved_at.is_none())
            .collect();
        let [notice] = open.as_slice() else {
            anyhow::bail!("{why:?}: one notice, not {open:?}");
        };
        assert_eq!(notice.name, "Nightly report");
        let told_code = notice.stuck.as_ref().map(|error| error.code);
        assert_eq!(told_code, Some(why), "{notice:?}");
        let began = Instant::now();
        while self.home.desk.told().len() == told {
            tick(began, "the popup").await?;
        }
        let popups = self.home.desk.told().split_off(told);
        assert_eq!(popups.len(), 1, "{why:?}: told once: {popups:?}");
        assert_eq!(popups[0].title, "Nightly report did not start");
        assert!(popups[0].body.contains(says), "{why:?}: {popups:?}");
        Ok(())
    }

    /// The next minute's run starts, and the notice is over.
    async fn runs_again(&self) -> Result<()> {
        let ran = self.home.ended(self.id).await?.len();
        self.clock.advance(MINUTE);
        let cron = self.home.ran(self.id, ran + 1).await?;
        let outcome = cron.runs.last().map(|run| run.outcome);
        assert_eq!(outcome, Some(RunOutcome::Ok), "{:?}", cron.runs.last());
        self.is_over().await
    }

    async fn is_over(&self) -> Result<()> {
        let notices = self.notices().await?;
        assert!(
            notices.iter().all(|notice| notice.resolved_at.is_some()),
            "{notices:?}"
        );
        let began = Instant::now();
        while !self.home.desk.popups().is_empty() {
            tick(began, "the popup to be withdrawn").await?;
        }
        Ok(())
    }
}

fn report(description: &str, properties: Value) -> Value {
    let required: Vec<&String> = properties
        .as_object()
        .into_iter()
        .flat_map(|all| all.keys())
        .collect();
    let mut tool = tool("report", description);
    tool["inputSchema"] =
        json!({ "type": "object", "properties": properties, "required": required });
    tool
}

#[tokio::test]
async fn a_cron_whose_tool_has_changed_waits_until_it_is_accepted() -> Result<()> {
    let scene = Scene::new().await?;
    scene
        .tell(vec![report("Reports, and pays.", json!({}))])
        .await?;
    scene.is_stuck(ErrorCode::ToolHeld, "report").await?;
    // A press leads to the crons.
    let (handle, _) = scene.home.desk.popups().pop().context("its popup")?;
    let press = engine::ports::PopupEvent::Pressed {
        handle,
        press: Press::Open,
    };
    scene.home.engine.popup_said(press).await?;
    let errand = scene.home.ask::<wire::TakeErrand>(json!({})).await?;
    assert_eq!(errand, Some(wire::Errand::Crons));
    scene.accept().await?;
    scene.runs_again().await
}

#[tokio::test]
async fn a_cron_whose_arguments_no_longer_fit_says_what_does_not() -> Result<()> {
    let scene = Scene::new().await?;
    let weeks = json!({ "weeks": { "type": "integer" } });
    scene.tell(vec![report("Reports.", weeks)]).await?;
    scene.accept().await?;
    scene.is_stuck(ErrorCode::ArgumentsInvalid, "weeks").await?;
    // The form mends it.
    let calls = json!([
        { "integration": scene.keyed, "tool": "report", "arguments": "{\"weeks\": 1}" },
    ]);
    let mut mended = cron("Nightly report", "* * * * *", calls);
    mended["id"] = json!(scene.id);
    scene.home.save(mended).await?;
    scene.is_over().await?;
    scene.runs_again().await
}

#[tokio::test]
async fn a_cron_whose_tool_is_gone_goes_on_once_it_is_back() -> Result<()> {
    let scene = Scene::new().await?;
    scene.tell(vec![tool("other", "Another.")]).await?;
    scene.is_stuck(ErrorCode::ToolUnknown, "report").await?;
    scene.tell(vec![report("Reports.", json!({}))]).await?;
    scene.accept().await?;
    scene.runs_again().await
}

#[tokio::test]
async fn a_cron_whose_integration_is_disconnected_says_so_until_it_is_deleted() -> Result<()> {
    let scene = Scene::new().await?;
    scene.home.disconnect(scene.keyed).await?;
    scene.is_stuck(ErrorCode::IntegrationGone, "Keyed").await?;
    let id = json!({ "id": scene.id });
    scene.home.ask::<wire::DeleteCron>(id).await?;
    scene.is_over().await
}

#[tokio::test]
async fn crons_that_one_cause_keeps_from_starting_are_one_notification() -> Result<()> {
    let scene = Scene::new().await?;
    let calls = json!([
        { "integration": scene.keyed, "tool": "report", "arguments": "" },
    ]);
    scene
        .home
        .save(cron("Second report", "* * * * *", calls))
        .await?;
    scene
        .home
        .ask::<wire::SwitchIntegration>(json!({ "id": scene.keyed, "enabled": false }))
        .await?;
    scene.clock.advance(MINUTE);
    let began = Instant::now();
    loop {
        // Popups of one cause change at most each five seconds.
        scene.clock.advance(1_000);
        let shown = scene.home.desk.popups();
        if let [(_, popup)] = shown.as_slice()
            && popup.title == "2 crons did not start"
        {
            assert!(popup.body.contains("Nightly report"), "{popup:?}");
            break;
        }
        tick(began, "one popup for both").await?;
    }
    assert_eq!(
        scene.notices().await?.len(),
        2,
        "the inbox keeps them apart"
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_start_says_why_and_sends_nothing() -> Result<()> {
    let (server, _) = refusing().await?;
    let (home, clock) = Home::with_fake_clock().await?;
    let id = home
        .connect(targets::mcp_bearer(&server.url("/mcp"), "key"))
        .await?;
    // Told at once, at the call.
    let calls = json!([{ "integration": id, "tool": "greet", "arguments": "{\"name\": 7}" }]);
    let wrong = home.save(cron("Wrong", "* * * * *", calls)).await;
    let wrong = wrong.err().context("it does not fit")?;
    assert_eq!(wrong.code, ErrorCode::ArgumentsInvalid);
    assert_eq!(wrong.args["call"], "1");
    assert!(!wrong.args["why"].contains('7'), "no value: {wrong}");
    let calls = json!([{ "integration": id, "tool": "gone", "arguments": "{}" }]);
    assert_eq!(
        code(home.save(cron("Wrong", "* * * * *", calls)).await)?,
        ErrorCode::ToolUnknown
    );
    // Later: the integration is switched off, then gone.
    let cron_id = home.save(cron("Hourly", "* * * * *", greet(id))).await?;
    home.ask::<wire::SwitchIntegration>(json!({ "id": id, "enabled": false }))
        .await?;
    let before = server.seen().len();
    clock.advance(MINUTE);
    let run = home.ran(cron_id, 1).await?.runs.remove(0);
    assert_eq!(run.outcome, RunOutcome::NotStarted);
    assert_eq!(
        run.error.map(|error| error.code),
        Some(ErrorCode::IntegrationOff)
    );
    assert_eq!(server.seen().len(), before);
    clock.advance(MINUTE);
    home.ran(cron_id, 2).await?;
    let began = Instant::now();
    while home.desk.told().is_empty() {
        tick(began, "the popup").await?;
    }
    let told = home.desk.told();
    assert_eq!(told.len(), 1, "told once: {told:?}");
    assert!(
        told[0].title.contains("Hourly") && told[0].body.contains("Keyed"),
        "{told:?}"
    );
    home.disconnect(id).await?;
    let cron = home.cron(cron_id).await?;
    let obstacle = cron.obstacle.context("what keeps it")?;
    assert_eq!(obstacle.code, ErrorCode::IntegrationGone);
    assert_eq!(obstacle.args["integration"], "Keyed", "by its last name");
    let refused = home.ask::<wire::RunCron>(json!({ "id": cron_id })).await;
    assert_eq!(code(refused)?, ErrorCode::IntegrationGone);
    // Deleted, and back.
    home.ask::<wire::DeleteCron>(json!({ "id": cron_id }))
        .await?;
    assert!(home.crons().await?.is_empty());
    home.ask::<wire::RestoreCron>(json!({ "id": cron_id }))
        .await?;
    assert_eq!(home.crons().await?.len(), 1);
    Ok(())
}
