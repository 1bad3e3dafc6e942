//! Popups on a real session bus: recorded by python-dbusmock, and shown by a real dunst.
//!
//! Each test starts itself again inside a session bus of its own. dbusmock, dunst or Xvfb missing is
//! a failure.
#![cfg(target_os = "linux")]

#[path = "session/inside.rs"]
mod inside;
#[path = "session/screen.rs"]
mod screen;

use anyhow::{Context, Result, ensure};
use chief_engine::{
    notices::popups::Popups,
    ports::{Popup, PopupEvent, Press, Urgency},
};
use inside::{inside, without_a_bus};
use screen::{Dunst, Mock, Screen, until};
use std::{future::Future, sync::mpsc, time::Duration};
use wire::NoticeId;

const PATIENCE: Duration = Duration::from_secs(20);
/// Nothing starts by itself.
const BARE: Option<&str> = Some("nothing.conf");

fn popup(n: u128) -> Popup {
    Popup {
        id: NoticeId(uuid::Uuid::from_u128(n)),
        title: "Orders & Co is failing".into(),
        body: "<b>Orders</b> has not answered since 14:02.".into(),
        urgency: Urgency::Critical,
        buttons: vec![
            (Press::Fix, "Reconnect".into()),
            (Press::Open, "Open".into()),
        ],
    }
}

fn run<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?
        .block_on(future)
}

/// Popups, and what comes back from them.
fn popups() -> (Popups, mpsc::Receiver<PopupEvent>) {
    let (tell, told) = mpsc::channel();
    let popups = Popups::new(move |event| {
        let _ = tell.send(event);
    });
    (popups, told)
}

fn next(told: &mpsc::Receiver<PopupEvent>) -> Result<PopupEvent> {
    told.recv_timeout(PATIENCE).context("something comes back")
}

async fn shown(popups: &Popups, popup: &Popup, handle: Option<&str>) -> Result<String> {
    let shown = popups.show(popup, handle).await;
    shown.map_err(anyhow::Error::msg)
}

#[test]
fn title_body_actions_and_ids_are_what_the_daemon_gets() -> Result<()> {
    inside(
        "title_body_actions_and_ids_are_what_the_daemon_gets",
        BARE,
        || {
            let mock = Mock::start("body body-markup actions")?;
            run(async {
                let (popups, told) = popups();
                let handle = shown(&popups, &popup(7), None).await?;
                let calls = mock.calls("Notify")?;
                ensure!(calls.len() == 1, "{calls:?}");
                let call = &calls[0];
                let id = handle.rsplit('/').next().context("an id")?.to_owned();
                for part in [
                    "\"Chief Integrations\"",
                    &id,
                    "\"Orders & Co is failing\"",
                    "\"&lt;b&gt;Orders&lt;/b&gt; has not answered since 14:02.\"",
                    "\"default\", \"\", \"fix\", \"Reconnect\", \"open\", \"Open\"",
                    "urgency",
                ] {
                    ensure!(call.contains(part), "no {part} in {call}");
                }

                // Not noted, and told again: the same place.
                let again = shown(&popups, &popup(7), None).await?;
                assert_eq!(again, handle, "a popup takes its own place");
                let other = shown(&popups, &popup(8), None).await?;
                assert_ne!(other, handle, "and no other's");

                mock.emit("ActionInvoked", "us", &format!("[<uint32 {id}>, <'fix'>]"))?;
                let event = next(&told)?;
                let press = Press::Fix;
                assert_eq!(
                    event,
                    PopupEvent::Pressed {
                        handle: handle.clone(),
                        press
                    }
                );

                popups.withdraw(&handle).await.map_err(anyhow::Error::msg)?;
                let closed = mock.calls("CloseNotification")?;
                ensure!(closed.len() == 1 && closed[0].contains(&id), "{closed:?}");
                Ok(())
            })
        },
    )
}

#[test]
fn a_press_is_heard_before_its_popup_closes() -> Result<()> {
    inside("a_press_is_heard_before_its_popup_closes", BARE, || {
        let mock = Mock::start("body actions")?;
        run(async {
            let (popups, told) = popups();
            let handle = shown(&popups, &popup(7), None).await?;
            let id = handle.rsplit('/').next().context("an id")?;
            for _ in 0..30 {
                mock.press_and_close(id, "resume")?;
                let press = Press::Resume;
                let pressed = PopupEvent::Pressed {
                    handle: handle.clone(),
                    press,
                };
                assert_eq!(next(&told)?, pressed);
                let closed = PopupEvent::Closed {
                    handle: handle.clone(),
                };
                assert_eq!(next(&told)?, closed);
            }
            Ok(())
        })
    })
}

#[test]
fn without_actions_and_markup_the_text_goes_as_it_is() -> Result<()> {
    inside(
        "without_actions_and_markup_the_text_goes_as_it_is",
        BARE,
        || {
            let mock = Mock::start("body")?;
            run(async {
                let (popups, _told) = popups();
                shown(&popups, &popup(7), None).await?;
                let call = mock.calls("Notify")?.pop().context("a call")?;
                ensure!(
                    call.contains("<b>Orders</b>") && !call.contains("Reconnect"),
                    "{call}"
                );
                Ok(())
            })
        },
    )
}

#[test]
fn nobody_is_said_in_words_and_whoever_comes_is_heard_of() -> Result<()> {
    inside(
        "nobody_is_said_in_words_and_whoever_comes_is_heard_of",
        BARE,
        || {
            run(async {
                let (popups, told) = popups();
                let why = popups
                    .show(&popup(7), None)
                    .await
                    .expect_err("nobody is there");
                assert_eq!(why, "nothing on this desktop shows notifications");
                let mock = Mock::start("body actions")?;
                assert_eq!(next(&told)?, PopupEvent::Ready);
                let handle = shown(&popups, &popup(7), None).await?;

                // A daemon that starts anew knows nothing of the old one's ids.
                drop(mock);
                let mock = Mock::start("body actions")?;
                assert_eq!(next(&told)?, PopupEvent::Ready);
                popups.withdraw(&handle).await.map_err(anyhow::Error::msg)?;
                assert!(
                    mock.calls("CloseNotification")?.is_empty(),
                    "it may be another's"
                );
                let new = shown(&popups, &popup(9), Some(&handle)).await?;
                assert_ne!(new, handle);
                Ok(())
            })
        },
    )
}

#[test]
fn without_a_session_bus_the_reason_is_said() -> Result<()> {
    without_a_bus("without_a_session_bus_the_reason_is_said", || {
        run(async {
            let (popups, _told) = popups();
            let why = popups.show(&popup(7), None).await.expect_err("no bus");
            assert_eq!(why, "this desktop has no session bus");
            Ok(())
        })
    })
}

#[test]
fn a_real_daemon_shows_one_popup_however_often_it_is_told() -> Result<()> {
    inside(
        "a_real_daemon_shows_one_popup_however_often_it_is_told",
        BARE,
        || {
            let screen = Screen::start()?;
            let dunst = Dunst::start(&screen)?;
            run(async {
                let (first_run, _) = popups();
                let handle = shown(&first_run, &popup(7), None).await?;
                dunst.shows(1)?;
                // A run that was killed before it noted the handle.
                let (next_run, told) = popups();
                let again = shown(&next_run, &popup(7), None).await?;
                assert_eq!(again, handle);
                dunst.shows(1)?;
                shown(&next_run, &popup(8), None).await?;
                dunst.shows(2)?;
                next_run
                    .withdraw(&handle)
                    .await
                    .map_err(anyhow::Error::msg)?;
                dunst.shows(1)?;
                let mut events = vec![];
                until("the daemon to say that it closed", || {
                    events.extend(told.try_iter());
                    Ok(events.contains(&PopupEvent::Closed {
                        handle: handle.clone(),
                    }))
                })
            })
        },
    )
}
