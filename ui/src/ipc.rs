//! The way to the engine: a command by its request, and the topics that changed.
//!
//! Two transports, chosen by what the page finds: Tauri's own in the window, HTTP and an event
//! stream in an ordinary browser (the test host). Natively, where parts are rendered to strings,
//! no answer ever comes.

#[cfg(target_arch = "wasm32")]
mod browser;

use std::cell::RefCell;
use wire::{Command, Topic};
use yew::Callback;

/// Asks the engine.
///
/// # Errors
/// What the engine says; `internal` where it cannot be reached at all.
#[cfg(target_arch = "wasm32")]
pub async fn call<C: Command>(request: C) -> Result<C::Reply, wire::Error> {
    let body = serde_json::to_string(&request).map_err(|e| internal(&e.to_string()))?;
    let reply = browser::send(C::NAME, body).await?;
    serde_json::from_str(&reply).map_err(|e| internal(&format!("{} answered: {e}", C::NAME)))
}

/// What only a bug of ours, or an engine that is gone, can cause.
#[cfg(target_arch = "wasm32")]
fn internal(why: &str) -> wire::Error {
    wire::Error::new(wire::ErrorCode::Internal).with("why", why)
}

/// Asks the engine: natively there is none, so this waits for ever.
#[cfg(not(target_arch = "wasm32"))]
pub async fn call<C: Command>(_request: C) -> Result<C::Reply, wire::Error> {
    std::future::pending().await
}

struct Listening {
    id: u64,
    topics: Vec<Topic>,
    on: Callback<()>,
}

#[derive(Default)]
struct Hub {
    next: u64,
    listening: Vec<Listening>,
    started: bool,
}

thread_local! {
    static HUB: RefCell<Hub> = RefCell::default();
}

/// Told of changes until it is dropped.
pub struct Subscription(u64);

/// Calls `on` whenever one of these topics changed, and after the connection was lost and is back,
/// since nobody knows what changed meanwhile.
#[must_use]
pub fn subscribe(topics: Vec<Topic>, on: Callback<()>) -> Subscription {
    let (id, first) = HUB.with_borrow_mut(|hub| {
        let id = hub.next;
        hub.next += 1;
        hub.listening.push(Listening { id, topics, on });
        (id, !std::mem::replace(&mut hub.started, true))
    });
    if first {
        #[cfg(target_arch = "wasm32")]
        browser::listen();
    }
    Subscription(id)
}

impl Drop for Subscription {
    fn drop(&mut self) {
        HUB.with_borrow_mut(|hub| hub.listening.retain(|each| each.id != self.0));
    }
}

/// Tells everybody who listens to one of `topics`; `None`: everybody.
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
fn tell(topics: Option<&[Topic]>) {
    // Collected first: a callback may subscribe or unsubscribe.
    let told: Vec<Callback<()>> = HUB.with_borrow(|hub| {
        hub.listening
            .iter()
            .filter(|each| topics.is_none_or(|t| each.topics.iter().any(|mine| t.contains(mine))))
            .map(|each| each.on.clone())
            .collect()
    });
    for on in told {
        on.emit(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, rc::Rc};

    fn counting(topics: Vec<Topic>) -> (Rc<Cell<u32>>, Subscription) {
        let count = Rc::new(Cell::new(0));
        let seen = count.clone();
        let subscription = subscribe(topics, Callback::from(move |()| seen.set(seen.get() + 1)));
        (count, subscription)
    }

    #[test]
    fn only_who_listens_to_a_topic_is_told_and_only_until_dropped() {
        let (cards, _a) = counting(vec![Topic::Integrations]);
        let (both, b) = counting(vec![Topic::Activity, Topic::App]);
        tell(Some(&[Topic::Integrations]));
        tell(Some(&[Topic::App, Topic::Activity]));
        assert_eq!(
            (cards.get(), both.get()),
            (1, 1),
            "once each, however many topics match"
        );
        tell(None);
        assert_eq!(
            (cards.get(), both.get()),
            (2, 2),
            "a new connection tells everybody"
        );
        drop(b);
        tell(None);
        assert_eq!((cards.get(), both.get()), (3, 2));
    }
}
