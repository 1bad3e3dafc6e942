//! The way to the engine: a command by its request, and the topics that changed.
//!
//! Two transports, chosen by what the page finds: Tauri's own in the window, HTTP and an event
//! stream in an ordinary browser (the test host). Natively, where parts are rendered to strings,
//! no answer ever comes.

#[cfg(target_arch = "wasm32")]
mod browser;
mod lean;

#[cfg(not(target_arch = "wasm32"))]
use futures::future::LocalBoxFuture;
use std::cell::RefCell;
#[cfg(target_arch = "wasm32")]
use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};
use wire::{Command, Topic};
use yew::Callback;

/// Asks the engine.
///
/// # Errors
/// What the engine says; `internal` where it cannot be reached at all.
#[cfg(target_arch = "wasm32")]
pub fn call<C: Command>(request: C) -> Call<C> {
    Call(sent(&request), PhantomData)
}

/// An answer that is awaited. All commands share the future within; only the type of what is read out
/// of it is each one's own.
#[cfg(target_arch = "wasm32")]
pub struct Call<C>(browser::Sent, PhantomData<fn() -> C>);

#[cfg(target_arch = "wasm32")]
impl<C: Command> Future for Call<C> {
    type Output = Result<C::Reply, wire::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0
            .as_mut()
            .poll(cx)
            .map(|answer| Ok(got::<C>(&answer?)))
    }
}

/// Sends a request; its reply is text yet.
#[cfg(target_arch = "wasm32")]
pub fn sent<C: Command>(request: &C) -> browser::Sent {
    browser::send(C::NAME, serde_json::to_string(request).map_err(|_| ()))
}

/// Nothing is ever sent natively.
#[cfg(not(target_arch = "wasm32"))]
pub fn sent<C: Command>(_request: &C) -> LocalBoxFuture<'static, Result<String, wire::Error>> {
    Box::pin(std::future::pending())
}

/// Reads a reply.
#[must_use]
pub fn got<C: Command>(reply: &str) -> C::Reply {
    lean::read(reply)
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
