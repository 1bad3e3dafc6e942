use super::{save, setup};
use crate::{
    Engine,
    integrations::status::Signal,
    notices::{
        deliver, inbox,
        tests::{Home, MINUTE},
    },
    store::{Durability, deliveries::Channel},
};
use anyhow::{Context, Result, bail, ensure};
use chrono::{Local, TimeZone as _, Timelike as _};
use peer::{Fault, Message, Slack};
use serde_json::json;
use wire::{
    Delivery, ErrorCode, IntegrationId, NoticeKind, QuietHours, RowKind, SlackChannel, Time,
};

mod faults;
mod held;
#[path = "../../../tests/peers/slack.rs"]
mod peer;
mod put_off;

pub(super) const ADA: &str = "ada@example.com";
pub(super) const BOB: &str = "bob@example.com";

/// An engine, a Slack, and the two connected.
struct Office {
    home: Home,
    slack: Slack,
    channel: SlackChannel,
}

impl Office {
    async fn new(admins: &[&str]) -> Result<Self> {
        let (home, slack) = (Home::new().await?, Slack::start().await?);
        let id = connect(&home.engine, &slack.base_url).await?;
        // What is told is the test's to say, not a ping's.
        crate::background::pause(&home.engine, Some(24)).await?;
        let channel = SlackChannel {
            integration: Some(id),
            admins: admins.iter().map(|admin| (*admin).to_owned()).collect(),
            ..SlackChannel::default()
        };
        save(&home.engine, channel.clone()).await?;
        Ok(Self {
            home,
            slack,
            channel,
        })
    }

    async fn deliver(&self) -> Result<Option<Time>> {
        Ok(deliver(&self.home.engine, Channel::Slack).await?)
    }

    async fn learn(&self, id: IntegrationId, signal: Signal) -> Result<()> {
        self.home.learn(id, signal).await?;
        self.deliver().await?;
        Ok(())
    }

    /// Lets time pass until nothing is left to deliver but what waits for hours.
    async fn settle(&self) -> Result<()> {
        for _ in 0..200 {
            let now = self.home.engine.now();
            match self.deliver().await? {
                Some(next) if next.since(now) <= 10 * MINUTE => {
                    self.home.clock.advance(next.since(now).max(1));
                }
                Some(_) | None => return Ok(()),
            }
        }
        bail!("it goes on and on: {:?}", self.slack.requests())
    }

    async fn slack_of(&self, n: usize) -> Result<Delivery> {
        let all = inbox::list(&self.home.engine).await?;
        let notice = all.into_iter().nth(n).context("a notice")?;
        notice.slack.context("it goes to Slack")
    }
}

/// Connects a Slack as a custom API: the way of an admin who pastes a bot token.
pub(super) async fn connect(engine: &Engine, base_url: &str) -> Result<IntegrationId> {
    let request = json!({
        "target": {
            "kind": "api", "name": "Acme Slack", "base_url": base_url,
            "auth": { "auth": "bearer", "token": "xoxb-not-a-token" }, "health_path": "/auth.test",
        },
        "confirmed": { "private_address": true },
    });
    let attempt = crate::commands::answer(engine, "start_connect", request).await?;
    for _ in 0..2_000 {
        let ask = json!({ "id": attempt["id"] });
        let view = crate::commands::answer(engine, "get_attempt", ask).await?;
        let view: wire::AttemptView = serde_json::from_value(view)?;
        match view.phase {
            wire::Phase::Done { integration, .. } => return Ok(integration),
            wire::Phase::Failed { error } => return Err(error.into()),
            _ => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
        }
    }
    bail!("it was not connected")
}

/// Requests that are no pings.
fn written(slack: &Slack) -> usize {
    let all = slack.requests();
    all.iter().filter(|each| *each != "auth.test").count()
}

fn of<'a>(messages: &'a [Message], admin: &str) -> Vec<&'a Message> {
    let dm = format!("D-U-{admin}");
    messages.iter().filter(|each| each.dm == dm).collect()
}

#[tokio::test]
async fn each_admin_gets_one_message_that_is_changed_when_it_is_over() -> Result<()> {
    let office = Office::new(&[ADA, BOB]).await?;
    let id = office.home.add(1, "127.0.0.1:1").await?;
    office.learn(id, Signal::Rejected).await?;
    let messages = office.slack.messages();
    for admin in [ADA, BOB] {
        let mine = of(&messages, admin);
        ensure!(mine.len() == 1, "{mine:?}");
        ensure!(mine[0].text == "Orders 1 is failing", "{mine:?}");
        ensure!(
            mine[0].blocks.contains("no longer accepts this credential")
                && mine[0].blocks.contains("tasks do without it"),
            "cause and what stopped: {mine:?}"
        );
    }
    ensure!(matches!(office.slack_of(0).await?, Delivery::Told { .. }));

    office.learn(id, Signal::Connected { end: None }).await?;
    office.settle().await?;
    let messages = office.slack.messages();
    ensure!(messages.len() == 2, "{messages:?}");
    for message in &messages {
        ensure!(message.text == "Over: Orders 1" && message.edits == 1);
    }
    // Nothing is left to do.
    let asked = written(&office.slack);
    office.home.clock.advance(60 * MINUTE);
    office.deliver().await?;
    ensure!(written(&office.slack) == asked);
    Ok(())
}

#[tokio::test]
async fn what_is_asked_of_slack_is_in_the_record() -> Result<()> {
    let office = Office::new(&[ADA]).await?;
    let id = office.home.add(1, "127.0.0.1:1").await?;
    office.learn(id, Signal::Rejected).await?;
    let ask = json!({ "limit": 50, "pings": false });
    let page = crate::commands::answer(&office.home.engine, "list_activity", ask).await?;
    let page: wire::ActivityPage = serde_json::from_value(page)?;
    let calls: Vec<&str> = page
        .rows
        .iter()
        .filter(|row| row.kind == RowKind::Call)
        .map(|row| row.action.as_str())
        .collect();
    assert_eq!(
        calls,
        [
            "acme-slack.chat.postMessage",
            "acme-slack.conversations.open",
            "acme-slack.users.lookupByEmail"
        ]
    );
    ensure!(!serde_json::to_string(&page)?.contains("xoxb"));
    Ok(())
}

#[tokio::test]
async fn a_post_whose_answer_is_lost_is_found_again_and_not_made_twice() -> Result<()> {
    for fault in [Fault::Lost, Fault::BrokenAfter, Fault::Garbled] {
        let office = Office::new(&[ADA]).await?;
        let id = office.home.add(1, "127.0.0.1:1").await?;
        office.slack.fail("chat.postMessage", fault);
        office.learn(id, Signal::Rejected).await?;
        ensure!(matches!(
            office.slack_of(0).await?,
            Delivery::Failing { .. }
        ));
        office.settle().await?;
        let messages = office.slack.messages();
        ensure!(messages.len() == 1, "{fault:?}: {messages:?}");
        ensure!(office.slack.asked("chat.postMessage") == 1);
        ensure!(matches!(office.slack_of(0).await?, Delivery::Told { .. }));
        office.learn(id, Signal::Connected { end: None }).await?;
        office.settle().await?;
        ensure!(office.slack.messages()[0].is_over());
    }
    Ok(())
}

#[tokio::test]
async fn a_post_that_did_not_arrive_is_made_again() -> Result<()> {
    for fault in [
        Fault::CutOff,
        Fault::Broken,
        Fault::SlowDown(7),
        Fault::Says("internal_error"),
        Fault::Says("channel_not_found"),
    ] {
        let office = Office::new(&[ADA]).await?;
        let id = office.home.add(1, "127.0.0.1:1").await?;
        office.slack.fail("chat.postMessage", fault);
        office.learn(id, Signal::Rejected).await?;
        ensure!(office.slack.messages().is_empty());
        office.settle().await?;
        ensure!(office.slack.messages().len() == 1, "{fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_app_killed_between_posting_and_noting_finds_its_message() -> Result<()> {
    let Office {
        home,
        slack,
        channel,
    } = Office::new(&[ADA]).await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    let office = Office {
        home,
        slack,
        channel,
    };
    office.learn(id, Signal::Rejected).await?;
    // As if the commits after the post had not been made.
    office
        .home
        .engine
        .store()
        .write(Durability::Full, |tx| {
            tx.execute_batch(
                "update slack_messages set ts = null, shows = null; \
                 update deliveries set handle = '' where channel = 'slack'",
            )
            .map_err(crate::store::failed)
        })
        .await?;
    let Office {
        home,
        slack,
        channel,
    } = office;
    let office = Office {
        home: home.killed().await?,
        slack,
        channel,
    };
    office.settle().await?;
    ensure!(office.slack.messages().len() == 1);
    office.learn(id, Signal::Connected { end: None }).await?;
    office.settle().await?;
    ensure!(office.slack.messages()[0].is_over());
    Ok(())
}

#[tokio::test]
async fn a_hundred_flaps_are_one_message_that_says_how_it_is() -> Result<()> {
    let office = Office::new(&[ADA]).await?;
    let id = office.home.add(1, "127.0.0.1:1").await?;
    for _ in 0..100 {
        office.learn(id, Signal::Rejected).await?;
        office.home.clock.advance(18_000);
        office.learn(id, Signal::PingOk).await?;
        office.home.clock.advance(18_000);
    }
    office.settle().await?;
    let messages = office.slack.messages();
    ensure!(messages.len() == 1, "{messages:?}");
    ensure!(messages[0].is_over());
    office.learn(id, Signal::Rejected).await?;
    office.settle().await?;
    let messages = office.slack.messages();
    ensure!(messages.len() == 1 && !messages[0].is_over(), "still true");
    Ok(())
}

#[tokio::test]
async fn two_that_fail_for_one_cause_are_one_message() -> Result<()> {
    let office = Office::new(&[ADA]).await?;
    for n in 1..=2 {
        let id = office.home.add(n, "127.0.0.1:1").await?;
        office.learn(id, Signal::Rejected).await?;
    }
    office.settle().await?;
    let messages = office.slack.messages();
    ensure!(messages.len() == 1, "{messages:?}");
    ensure!(messages[0].text == "2 integrations are failing");
    Ok(())
}

#[tokio::test]
async fn kinds_quiet_hours_and_what_was_seen_here_are_kept_to() -> Result<()> {
    let mut office = Office::new(&[ADA]).await?;
    let engine = office.home.engine.clone();
    office.channel.kinds = vec![NoticeKind::Expiring];
    save(&engine, office.channel.clone()).await?;
    let id = office.home.add(1, "127.0.0.1:1").await?;
    office.learn(id, Signal::Rejected).await?;
    ensure!(office.slack.messages().is_empty(), "not of this kind");

    office.channel.kinds.push(NoticeKind::Failing);
    let wall = Local
        .timestamp_millis_opt(engine.now().0)
        .single()
        .context("a time")?;
    let minute = u16::try_from(wall.hour() * 60 + wall.minute())?;
    let quiet = QuietHours {
        from: (minute + 1_430) % 1_440,
        until: (minute + 30) % 1_440,
    };
    office.channel.quiet = Some(quiet);
    save(&engine, office.channel.clone()).await?;
    let next = office.deliver().await?.context("it waits")?;
    ensure!(office.slack.messages().is_empty(), "quiet");
    ensure!(next.since(engine.now()) <= 30 * MINUTE && next.since(engine.now()) > 28 * MINUTE);
    office.home.clock.advance(30 * MINUTE);
    office.deliver().await?;
    ensure!(office.slack.messages().len() == 1, "afterwards");
    ensure!(setup::ends(quiet, engine.now()).is_none());

    let other = office.home.add(2, "127.0.0.1:2").await?;
    office.channel.kinds = vec![];
    save(&engine, office.channel.clone()).await?;
    office.learn(other, Signal::Rejected).await?;
    let all = inbox::list(&engine).await?;
    let new = all.iter().find(|each| each.integration == other);
    inbox::see(&engine, new.context("a notice")?.id).await?;
    office.channel.kinds = vec![NoticeKind::Failing];
    save(&engine, office.channel.clone()).await?;
    office.settle().await?;
    ensure!(office.slack.messages().len() == 1, "it was seen here");
    Ok(())
}

#[tokio::test]
async fn a_slack_that_fails_itself_is_told_elsewhere_and_named_in_the_inbox() -> Result<()> {
    let office = Office::new(&[ADA]).await?;
    let slack = office.channel.integration.context("Slack")?;
    let id = office.home.add(1, "127.0.0.1:1").await?;
    office.slack.revoke();
    office.learn(id, Signal::Rejected).await?;
    ensure!(office.slack.messages().is_empty());
    ensure!(office.home.titles() == ["Orders 1 is failing"], "here");
    office.learn(slack, Signal::Rejected).await?;
    office.home.clock.advance(MINUTE);
    let asked = written(&office.slack);
    office.deliver().await?;
    ensure!(
        written(&office.slack) == asked,
        "nothing is sent with a credential that was refused"
    );
    ensure!(
        office
            .home
            .titles()
            .contains(&"Acme Slack is failing".into())
    );
    let all = inbox::list(&office.home.engine).await?;
    for notice in &all {
        let Some(Delivery::Failing { why, .. }) = &notice.slack else {
            bail!("{notice:?}")
        };
        ensure!(why.contains("Acme Slack"), "{why}");
    }

    office.slack.heal();
    office.learn(slack, Signal::Connected { end: None }).await?;
    office.settle().await?;
    let messages = office.slack.messages();
    ensure!(
        messages.len() == 1 && messages[0].text == "Orders 1 is failing",
        "what holds is told once it can be, and of itself it says nothing any more: {messages:?}"
    );
    Ok(())
}

#[tokio::test]
async fn slow_down_is_kept_to_and_a_missing_scope_is_named() -> Result<()> {
    let office = Office::new(&[ADA]).await?;
    let id = office.home.add(1, "127.0.0.1:1").await?;
    office
        .slack
        .fail("conversations.open", Fault::SlowDown(240));
    office.learn(id, Signal::Rejected).await?;
    let Delivery::Failing { again_at, .. } = office.slack_of(0).await? else {
        bail!("not told")
    };
    assert_eq!(again_at.since(office.home.engine.now()), 240_000);
    office
        .slack
        .fail("users.lookupByEmail", Fault::Says("missing_scope"));
    office.home.clock.advance(240_000);
    office.deliver().await?;
    let Delivery::Failing { why, .. } = office.slack_of(0).await? else {
        bail!("not told")
    };
    ensure!(why.contains("im:write"), "{why}");
    Ok(())
}

#[tokio::test]
async fn an_unknown_address_keeps_nobody_else_from_being_told() -> Result<()> {
    let office = Office::new(&["aaron@example.com", "nobody@example.com", ADA]).await?;
    let id = office.home.add(1, "127.0.0.1:1").await?;
    office.learn(id, Signal::Rejected).await?;
    ensure!(office.slack.messages().len() == 2);
    let Delivery::Failing { why, .. } = office.slack_of(0).await? else {
        bail!("one was not told")
    };
    ensure!(why.contains("nobody@example.com"), "{why}");
    office.learn(id, Signal::Connected { end: None }).await?;
    for _ in 0..5 {
        office.home.clock.advance(5 * MINUTE);
        office.deliver().await?;
    }
    let messages = office.slack.messages();
    ensure!(messages.len() == 2 && messages.iter().all(Message::is_over));
    Ok(())
}

#[tokio::test]
async fn the_test_message_is_a_real_one_and_a_persons_token_is_refused() -> Result<()> {
    let office = Office::new(&[ADA, "nobody@example.com"]).await?;
    let tested = setup::test(&office.home.engine).await?;
    let codes: Vec<_> = tested
        .iter()
        .map(|each| (each.admin.as_str(), each.error.as_ref().map(|e| e.code)))
        .collect();
    assert_eq!(
        codes,
        [
            (ADA, None),
            ("nobody@example.com", Some(ErrorCode::SlackNoPerson))
        ]
    );
    let messages = office.slack.messages();
    ensure!(messages.len() == 1 && messages[0].edits == 1);
    ensure!(messages[0].text == "Chief Integrations can reach you here");
    office.slack.is_person();
    let refused = setup::test(&office.home.engine).await;
    assert_eq!(
        refused.err().map(|error| error.code),
        Some(ErrorCode::SlackNotABot)
    );
    Ok(())
}

#[tokio::test]
async fn what_is_saved_is_checked() -> Result<()> {
    let office = Office::new(&[ADA]).await?;
    let with = |change: &dyn Fn(&mut SlackChannel)| {
        let mut channel = office.channel.clone();
        change(&mut channel);
        let engine = office.home.engine.clone();
        async move { save(&engine, channel).await.err().map(|error| error.code) }
    };
    let invalid = Some(ErrorCode::FieldInvalid);
    assert_eq!(with(&|c| c.admins = vec!["ada".into()]).await, invalid);
    assert_eq!(
        with(&|c| c.admins = vec![" ".into()]).await,
        Some(ErrorCode::FieldEmpty)
    );
    let many = |c: &mut SlackChannel| {
        c.admins = (0..21).map(|n| format!("a{n}@example.com")).collect();
    };
    assert_eq!(with(&many).await, invalid);
    let hours = |from, until| Some(QuietHours { from, until });
    assert_eq!(with(&|c| c.quiet = hours(60, 60)).await, invalid);
    assert_eq!(with(&|c| c.quiet = hours(0, 1_440)).await, invalid);
    let other = office.home.add(1, "127.0.0.1:1").await?;
    assert_eq!(
        with(&|c| c.integration = Some(other)).await,
        Some(ErrorCode::IntegrationUnknown),
        "what is no Slack cannot be chosen"
    );
    assert_eq!(with(&|c| c.admins.push(format!(" {ADA} "))).await, None);
    Ok(())
}
