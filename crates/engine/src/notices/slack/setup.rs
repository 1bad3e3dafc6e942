//! What an admin chose for notices in Slack, and the real message that shows whether it works.

use super::bot::{Bot, Message, is_slack};
use crate::{
    Engine,
    http::inert,
    integrations::Integration,
    store::{self, Durability, deliveries, deliveries::Channel},
};
use chrono::{Local, TimeZone as _, Timelike as _};
use rusqlite::Connection;
use std::collections::BTreeSet;
use wire::{
    ChannelsView, Error, ErrorCode, NoticeId, QuietHours, SlackChannel, SlackChoice, SlackTested,
    Time, Topic,
};

const KEY: &str = "slack_channel";
const DAY_MINUTES: u16 = 24 * 60;

/// As it was chosen; nobody is told in Slack where nothing was.
pub(crate) fn saved(conn: &Connection) -> Result<SlackChannel, Error> {
    Ok(store::settings::get(conn, KEY)?.unwrap_or_default())
}

pub(crate) async fn view(engine: &Engine) -> Result<ChannelsView, Error> {
    engine
        .store()
        .read(|conn| {
            let mut slack = saved(conn)?;
            let slacks: Vec<SlackChoice> = Integration::all(conn)?
                .into_iter()
                .filter(is_slack)
                .map(|found| SlackChoice {
                    integration: found.id,
                    name: found.row.name,
                })
                .collect();
            // Disconnected since: chosen by nobody.
            let is_there = |id: &_| slacks.iter().any(|each| each.integration == *id);
            slack.integration = slack.integration.filter(is_there);
            Ok(ChannelsView { slack, slacks })
        })
        .await
}

pub(crate) async fn save(engine: &Engine, slack: SlackChannel) -> Result<(), Error> {
    let slack = checked(slack)?;
    let now = engine.now();
    engine.outbox().unfound.lock().clear();
    engine
        .store()
        .write(Durability::Full, move |tx| {
            if let Some(id) = slack.integration
                && !Integration::find(tx, id)?.is_some_and(|found| is_slack(&found))
            {
                return Err(Error::new(ErrorCode::IntegrationUnknown));
            }
            store::settings::set(tx, KEY, &slack)?;
            deliveries::hurry(tx, Channel::Slack, now)?;
            tx.touch(Topic::Notices);
            Ok(())
        })
        .await
}

fn checked(mut slack: SlackChannel) -> Result<SlackChannel, Error> {
    let invalid = |field: &str, why: String| {
        Error::new(ErrorCode::FieldInvalid)
            .with("field", field)
            .with("why", why)
    };
    let admins: BTreeSet<String> = slack
        .admins
        .iter()
        .map(|admin| inert(admin.trim()).to_lowercase())
        .filter(|admin| !admin.is_empty())
        .collect();
    let field = "Admins’ e-mail addresses";
    if let Some(odd) = admins.iter().find(|admin| !is_address(admin)) {
        return Err(invalid(field, format!("“{odd}” is no address")));
    }
    if admins.len() > SlackChannel::ADMINS {
        return Err(invalid(
            field,
            format!("{} are the most", SlackChannel::ADMINS),
        ));
    }
    if slack.integration.is_some() && admins.is_empty() {
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", field));
    }
    if let Some(QuietHours { from, until }) = slack.quiet
        && (from == until || from >= DAY_MINUTES || until >= DAY_MINUTES)
    {
        let why = "two different times of the day".to_owned();
        return Err(invalid("Quiet hours", why));
    }
    slack.admins = admins.into_iter().collect();
    slack.kinds.sort();
    slack.kinds.dedup();
    Ok(slack)
}

/// Enough of a look to find a slip of the pen; Slack says the rest.
fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    text.len() <= 254
        && !text.contains([' ', '<', '>', ',', ';'])
        && parts.is_some_and(|(who, host)| !who.is_empty() && !host.is_empty())
}

/// When the quiet hours that `now` lies in end; `None` outside of them.
pub(super) fn ends(quiet: QuietHours, now: Time) -> Option<Time> {
    let wall = Local.timestamp_millis_opt(now.0).single()?;
    let minute = u16::try_from(wall.hour() * 60 + wall.minute()).ok()?;
    let QuietHours { from, until } = quiet;
    let is_quiet = if from < until {
        (from..until).contains(&minute)
    } else {
        minute >= from || minute < until
    };
    let left = i64::from((until + DAY_MINUTES - minute) % DAY_MINUTES);
    let begun = i64::from(wall.second()) * 1000 + now.0.rem_euclid(1000);
    is_quiet.then(|| now.plus(left * 60_000 - begun))
}

/// Sends one real message to each admin, looks for it as after a lost answer, and changes it as when
/// it is over: all that a notice needs.
pub(crate) async fn test(engine: &Engine) -> Result<Vec<SlackTested>, Error> {
    let slack = engine.store().read(saved).await?;
    let unset = || Error::new(ErrorCode::FieldEmpty).with("field", "Sent by");
    let id = slack.integration.ok_or_else(unset)?;
    let bot = Bot::open(engine, id, engine.admin().await).await?;
    let bot = bot.ok_or_else(|| Error::new(ErrorCode::IntegrationUnknown))?;
    bot.check().await?;
    let mut tested = Vec::new();
    for admin in slack.admins {
        let error = one(engine, &bot, &admin).await.err();
        tested.push(SlackTested { admin, error });
    }
    Ok(tested)
}

async fn one(engine: &Engine, bot: &Bot, admin: &str) -> Result<(), Error> {
    let message = Message {
        title: words::text("slack-test"),
        body: words::text("slack-test-hint"),
    };
    let id = NoticeId(uuid::Uuid::now_v7());
    let dm = bot.dm(admin).await?;
    let ts = bot.post(&dm, id, &message).await?;
    if bot.look(&dm, id, engine.now()).await? != Some(ts.clone()) {
        return Err(Error::new(ErrorCode::SlackRefused).with(
            "why",
            "the message that was posted is not in the conversation",
        ));
    }
    bot.update((&dm, &ts), id, &message).await?;
    let (bot, admin) = (bot.id, admin.to_owned());
    engine
        .store()
        .write(Durability::Normal, move |tx| {
            store::slack::set_dm(tx, (bot, &admin), Some(&dm))
        })
        .await
}
