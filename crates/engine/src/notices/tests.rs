use super::{deliver, deliveries::Channel, inbox};
use crate::{
    Engine, Options,
    connectors::Config,
    fakes::{FakeClock, FakeDesk, MemoryKeyring},
    integrations::{
        self,
        status::{End, Renewal, Signal, State},
    },
    ports::{PopupEvent, Ports, Press, Urgency},
    store::{Durability, integrations::IntegrationRow},
};
use anyhow::{Context, Result};
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;
use wire::{Delivery, Errand, IntegrationId, Kind, NoticeView, Time};

mod agents;
mod bundles;
mod offers;
mod seen;
mod stuck;

/// A Sunday in 2026.
const T0: Time = Time(1_800_000_000_000);
pub(crate) const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

pub(crate) struct Home {
    pub(crate) engine: Engine,
    pub(crate) desk: Arc<FakeDesk>,
    pub(crate) clock: Arc<FakeClock>,
    keyring: Arc<MemoryKeyring>,
    folder: TempDir,
}

impl Home {
    pub(crate) async fn new() -> Result<Self> {
        let desk = Arc::new(FakeDesk::default());
        Self::on(tempfile::tempdir()?, (desk, Arc::default()), T0).await
    }

    /// In a folder that has something in it.
    pub(crate) async fn over(folder: TempDir) -> Result<Self> {
        Self::on(folder, (Arc::default(), Arc::default()), T0).await
    }

    async fn on(
        folder: TempDir,
        (desk, keyring): (Arc<FakeDesk>, Arc<MemoryKeyring>),
        now: Time,
    ) -> Result<Self> {
        let clock = Arc::new(FakeClock::at(now));
        let options = Options {
            folder: folder.path().to_owned(),
            log_folder: folder.path().to_owned(),
            providers: crate::providers::Sources::folder(folder.path().join("none")),
            version: "0".into(),
            client_document: None,
        };
        let ports = Ports {
            clock: clock.clone(),
            desk: desk.clone(),
            keyring: keyring.clone(),
        };
        let engine = Engine::start(options, ports).await?;
        Ok(Self {
            engine,
            desk,
            clock,
            keyring,
            folder,
        })
    }

    /// A custom API on this computer, at an address that nobody confirmed: nothing is sent to it.
    pub(crate) async fn add(&self, n: u128, host: &str) -> Result<IntegrationId> {
        let id = IntegrationId(Uuid::from_u128(n));
        let config = Config::Api {
            base_url: format!("https://{host}/v1"),
            health_path: "/".into(),
            private_hosts: vec![],
            way: None,
            described: false,
        };
        let row = IntegrationRow {
            id,
            slug: format!("s{n}"),
            name: format!("Orders {n}"),
            kind: Kind::Api,
            config_json: integrations::to_json(&config)?,
            account_id: None,
            account_label: None,
            connected_by: "Ada".into(),
            connected_at: T0,
            enabled: true,
            state_json: integrations::to_json(&State::connected(self.engine.now(), None))?,
            protocol: None,
            server: None,
            probed_at: None,
            last_used: None,
            provider: None,
        };
        self.engine
            .store()
            .write(Durability::Full, move |tx| {
                crate::store::integrations::add(tx, &row)
            })
            .await?;
        Ok(id)
    }

    /// Learns something of it, and lets the outbox deliver.
    pub(crate) async fn learn(&self, id: IntegrationId, signal: Signal) -> Result<()> {
        let now = self.engine.now();
        self.engine
            .store()
            .write(Durability::Full, move |tx| {
                integrations::apply(tx, id, &signal, now).map(|_| ())
            })
            .await?;
        self.deliver().await
    }

    async fn deliver(&self) -> Result<()> {
        deliver(&self.engine, Channel::Native).await?;
        Ok(())
    }

    async fn later(&self, millis: i64) -> Result<()> {
        self.clock.advance(millis);
        self.deliver().await
    }

    async fn inbox(&self) -> Result<Vec<NoticeView>> {
        Ok(inbox::list(&self.engine).await?)
    }

    async fn only_notice(&self) -> Result<NoticeView> {
        self.inbox().await?.pop().context("there is one")
    }

    pub(crate) fn titles(&self) -> Vec<String> {
        let popups = self.desk.popups();
        popups.into_iter().map(|(_, popup)| popup.title).collect()
    }

    /// Ends this run without a chance to clean up, and begins another on the same folder and screen.
    pub(crate) async fn killed(self) -> Result<Self> {
        let now = self.engine.now();
        self.engine.0.stopping.cancel();
        let Self {
            engine,
            desk,
            keyring,
            folder,
            ..
        } = self;
        drop(engine);
        for _ in 0..500 {
            // The last clone of the store closes it, a moment later.
            if crate::store::Store::open(folder.path()).is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        Self::on(folder, (desk, keyring), now).await
    }
}

#[tokio::test]
async fn a_notice_names_the_integration_the_cause_what_stopped_and_what_mends_it() -> Result<()> {
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    home.learn(id, Signal::Rejected).await?;

    let popups = home.desk.popups();
    let [(_, popup)] = popups.as_slice() else {
        anyhow::bail!("one popup, not {popups:?}")
    };
    assert_eq!(popup.title, "Orders 1 is failing");
    assert!(
        popup
            .body
            .starts_with("Orders 1 no longer accepts this credential since ")
            && popup
                .body
                .ends_with("Until it works again, tasks do without it."),
        "{}",
        popup.body
    );
    assert_eq!(popup.urgency, Urgency::Critical);
    let buttons: Vec<(Press, &str)> = popup
        .buttons
        .iter()
        .map(|(press, label)| (*press, label.as_str()))
        .collect();
    assert_eq!(
        buttons,
        [(Press::Fix, "Reconnect"), (Press::Open, "Open")],
        "the fix is the card's own"
    );
    assert_eq!(
        home.only_notice().await?.popup,
        Delivery::Told { at: T0 },
        "and the inbox knows that it was shown"
    );
    Ok(())
}

#[tokio::test]
async fn a_token_that_ends_soon_is_told_once_and_withdrawn_by_reconnecting() -> Result<()> {
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    let end = End {
        issued: T0,
        at: T0.plus(DAY),
        renewal: Renewal::Never,
        asked: None,
    };
    home.learn(id, Signal::EndsAt { end: Some(end) }).await?;
    home.later(23 * 60 * MINUTE).await?;
    home.learn(id, Signal::Tick).await?;
    home.learn(id, Signal::PingOk).await?;
    assert_eq!(home.titles(), ["Orders 1 expires soon"]);
    assert_eq!(home.desk.told().len(), 1);

    home.learn(id, Signal::Connected { end: None }).await?;
    assert!(home.titles().is_empty(), "its popup is taken back");
    let notice = home.only_notice().await?;
    assert!(notice.resolved_at.is_some() && notice.fix.is_none());
    Ok(())
}

#[tokio::test]
async fn a_hundred_flaps_show_two_popups_at_most() -> Result<()> {
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    for _ in 0..100 {
        home.learn(id, Signal::Rejected).await?;
        home.later(18_000).await?;
        home.learn(id, Signal::PingOk).await?;
        assert!(home.titles().is_empty(), "none is left while it works");
        home.later(18_000).await?;
    }
    assert_eq!(home.desk.told().len(), 2);
    assert_eq!(home.inbox().await?.len(), 1, "and one row in the inbox");
    Ok(())
}

#[tokio::test]
async fn where_nobody_shows_popups_it_is_tried_again_and_told_once_when_somebody_does() -> Result<()>
{
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    home.desk
        .no_popups(Some("nobody shows\u{202e} notifications"));
    home.learn(id, Signal::Rejected).await?;
    let Delivery::Failing { why, again_at } = home.only_notice().await?.popup else {
        anyhow::bail!("the inbox says that it could not be shown")
    };
    assert_eq!(why, "nobody shows notifications", "inert");
    assert_eq!(again_at, T0.plus(5_000));
    for _ in 0..5 {
        home.later(MINUTE * 5).await?;
    }
    let Delivery::Failing { again_at, .. } = home.only_notice().await?.popup else {
        anyhow::bail!("still")
    };
    assert!(again_at.since(home.engine.now()) > MINUTE, "less and less");

    home.desk.no_popups(None);
    home.engine.popup_said(PopupEvent::Ready).await?;
    home.deliver().await?;
    home.later(DAY).await?;
    assert_eq!(home.desk.told().len(), 1, "at once, and once");
    Ok(())
}

#[tokio::test]
async fn what_is_repaired_before_anybody_could_show_it_is_never_shown() -> Result<()> {
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    home.desk.no_popups(Some("nobody"));
    home.learn(id, Signal::Rejected).await?;
    home.learn(id, Signal::Connected { end: None }).await?;
    home.desk.no_popups(None);
    home.engine.popup_said(PopupEvent::Ready).await?;
    home.later(DAY).await?;
    assert_eq!(home.desk.told().len(), 0);
    Ok(())
}

#[tokio::test]
async fn the_app_killed_between_showing_and_noting_shows_it_again_in_its_own_place() -> Result<()> {
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    home.learn(id, Signal::Rejected).await?;
    // As if the commit after the popup had not been made.
    home.engine
        .store()
        .write(Durability::Full, |tx| {
            tx.execute(
                "update deliveries set told = null, handle = null, times = 0, told_at = null",
                [],
            )
            .map_err(crate::store::failed)
        })
        .await?;
    let home = home.killed().await?;
    home.deliver().await?;
    assert_eq!(home.desk.told().len(), 2, "at least once");
    assert_eq!(home.titles().len(), 1, "and one is seen");

    let home = home.killed().await?;
    home.deliver().await?;
    assert_eq!(home.desk.told().len(), 2, "noted now: not again");
    home.learn(id, Signal::Connected { end: None }).await?;
    assert!(
        home.titles().is_empty(),
        "a later run takes it back by its kept handle"
    );
    Ok(())
}

#[tokio::test]
async fn a_system_that_cannot_replace_shows_one_popup_at_most() -> Result<()> {
    let home = Home::new().await?;
    home.desk.shows_only_once();
    let id = home.add(1, "127.0.0.1:1").await?;
    for _ in 0..3 {
        home.learn(id, Signal::Rejected).await?;
        home.learn(id, Signal::PingOk).await?;
    }
    assert_eq!(home.desk.told().len(), 1);
    Ok(())
}

#[tokio::test]
async fn seen_takes_the_popup_back_and_snoozed_brings_it_again() -> Result<()> {
    let home = Home::new().await?;
    // A check would find that there is no credential at all: another cause.
    crate::background::pause(&home.engine, Some(24)).await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    home.learn(id, Signal::Rejected).await?;
    let notice = home.only_notice().await?.id;
    assert!(
        inbox::snooze(&home.engine, notice, Some(0)).await.is_err()
            && inbox::snooze(&home.engine, notice, Some(169))
                .await
                .is_err()
    );
    inbox::snooze(&home.engine, notice, Some(1)).await?;
    home.deliver().await?;
    assert!(home.titles().is_empty());
    assert!(!home.only_notice().await?.is_new(home.engine.now()));
    home.later(59 * MINUTE).await?;
    assert!(home.titles().is_empty());
    home.later(MINUTE).await?;
    assert_eq!(home.titles(), ["Orders 1 is failing"]);
    assert!(home.only_notice().await?.is_new(home.engine.now()));

    inbox::see(&home.engine, notice).await?;
    home.deliver().await?;
    assert!(home.titles().is_empty());
    for _ in 0..2 {
        crate::background::pause(&home.engine, Some(24)).await?;
        home.later(DAY / 2).await?;
    }
    home.learn(id, Signal::Rejected).await?;
    assert!(home.titles().is_empty(), "what was seen is not told again");
    Ok(())
}

#[tokio::test]
async fn a_pressed_button_raises_the_window_and_leaves_one_errand() -> Result<()> {
    let home = Home::new().await?;
    let id = home.add(1, "127.0.0.1:1").await?;
    home.learn(id, Signal::Rejected).await?;
    let (handle, _) = home.desk.popups().pop().context("one popup")?;
    let pressed = |press| {
        let handle = handle.clone();
        home.engine
            .popup_said(PopupEvent::Pressed { handle, press })
    };
    pressed(Press::Fix).await?;
    assert_eq!(home.desk.raised(), 1);
    let taken = || home.engine.outbox().take_errand();
    assert_eq!(
        taken(),
        Some(Errand::Mend {
            integration: id,
            fix: wire::Fix::Reconnect
        })
    );
    assert_eq!(taken(), None, "once");
    pressed(Press::Open).await?;
    assert_eq!(taken(), Some(Errand::Open { integration: id }));

    home.engine
        .popup_said(PopupEvent::Pressed {
            handle: "of another program".into(),
            press: Press::Fix,
        })
        .await?;
    assert_eq!(taken(), Some(Errand::Notices), "nothing is acted on");
    Ok(())
}
