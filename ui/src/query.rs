//! What a page knows of the engine, kept fresh: fetched once, fetched again when a topic changed.
//!
//! All queries share one piece of code over erased types, since the window's program is measured
//! in kilobytes; only the outermost layer knows what is asked.

use crate::{ipc, time};
use futures::future::LocalBoxFuture;
use std::{
    any::Any,
    cell::{Cell, RefCell},
    rc::Rc,
};
use wire::{Command, Error, Time, Topic};
use yew::{platform::spawn_local, prelude::*};

/// One request's answer, as the page shows it. Old data stays while new data is fetched, and when
/// fetching fails: then `error` says why and `known_at` how old it is.
pub struct Query<T> {
    pub data: Option<Rc<T>>,
    pub error: Option<Rc<Error>>,
    /// When `data` was last known to be so.
    pub known_at: Option<Time>,
    /// Ask again.
    pub retry: Callback<()>,
}

impl<T> Clone for Query<T> {
    fn clone(&self) -> Self {
        Self {
            data: self.data.clone(),
            error: self.error.clone(),
            known_at: self.known_at,
            retry: self.retry.clone(),
        }
    }
}

/// By pointer: an answer that says the same keeps its pointer.
impl<T> PartialEq for Query<T> {
    fn eq(&self, other: &Self) -> bool {
        same(&self.data, &other.data)
            && same(&self.error, &other.error)
            // How old it is matters only beside an error.
            && (self.error.is_none() || self.known_at == other.known_at)
    }
}

fn same<T: ?Sized>(a: &Option<Rc<T>>, b: &Option<Rc<T>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Rc::ptr_eq(a, b),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

type Data = Rc<dyn Any>;
type Answer = Result<Data, Error>;
type Same = fn(&dyn Any, &dyn Any) -> bool;

#[derive(Clone)]
struct Known {
    data: Option<Data>,
    error: Option<Rc<Error>>,
    /// Shared, so that an answer which says the same renders nothing.
    at: Rc<Cell<Option<Time>>>,
}

impl Known {
    fn nothing() -> Self {
        Self {
            data: None,
            error: None,
            at: Rc::default(),
        }
    }
}

impl Reducible for Known {
    type Action = (Time, Answer, Same);

    fn reduce(self: Rc<Self>, (at, answer, is_same): Self::Action) -> Rc<Self> {
        match answer {
            Ok(data) => {
                self.at.set(Some(at));
                let old = self.data.clone().filter(|old| is_same(&**old, &*data));
                if old.is_some() && self.error.is_none() {
                    return self;
                }
                Rc::new(Self {
                    data: Some(old.unwrap_or(data)),
                    error: None,
                    at: self.at.clone(),
                })
            }
            Err(error) => Rc::new(Self {
                error: Some(Rc::new(error)),
                ..(*self).clone()
            }),
        }
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        same(&self.data, &other.data) && same(&self.error, &other.error)
    }
}

/// What is asked, and when again, without its type.
#[derive(Clone)]
struct Ask {
    request: Data,
    topics: Vec<Topic>,
    same_request: Same,
    same_reply: Same,
    send: fn(&dyn Any) -> LocalBoxFuture<'static, Result<String, Error>>,
    got: fn(&str) -> Data,
}

impl PartialEq for Ask {
    fn eq(&self, other: &Self) -> bool {
        self.topics == other.topics && (self.same_request)(&*self.request, &*other.request)
    }
}

impl Ask {
    fn new<C>(request: C, topics: Vec<Topic>) -> Self
    where
        C: Command + Clone + PartialEq,
        C::Reply: PartialEq,
    {
        Self {
            request: Rc::new(request),
            topics,
            same_request: is_same::<C>,
            same_reply: is_same::<C::Reply>,
            send: send::<C>,
            got: got::<C>,
        }
    }
}

fn is_same<T: PartialEq + 'static>(a: &dyn Any, b: &dyn Any) -> bool {
    matches!((a.downcast_ref::<T>(), b.downcast_ref::<T>()), (Some(a), Some(b)) if a == b)
}

fn send<C: Command>(request: &dyn Any) -> LocalBoxFuture<'static, Result<String, Error>> {
    let request = request.downcast_ref::<C>();
    ipc::sent(request.expect("Ask::new gives the function for the request's own type"))
}

fn got<C: Command>(reply: &str) -> Data {
    Rc::new(ipc::got::<C>(reply))
}

/// One page's fetching: one request in flight at a time. What changes meanwhile is one more fetch
/// at the end, however often it changes.
struct Flight {
    ask: Ask,
    flying: Cell<bool>,
    again: Cell<bool>,
    gone: Cell<bool>,
    known: UseReducerDispatcher<Known>,
}

impl Flight {
    fn fetch(self: &Rc<Self>) {
        if self.flying.replace(true) {
            self.again.set(true);
            return;
        }
        let me = self.clone();
        spawn_local(async move {
            loop {
                me.again.set(false);
                let answer = (me.ask.send)(&*me.ask.request).await;
                let answer = answer.map(|reply| (me.ask.got)(&reply));
                if me.gone.get() {
                    return;
                }
                me.known.dispatch((time::now(), answer, me.ask.same_reply));
                if !me.again.get() {
                    break;
                }
            }
            me.flying.set(false);
        });
    }
}

#[hook]
fn use_ask(ask: Ask) -> (UseReducerHandle<Known>, Callback<()>) {
    let known = use_reducer_eq(Known::nothing);
    let flight = use_mut_ref(|| None::<Rc<Flight>>);
    {
        let (current, known) = (flight.clone(), known.dispatcher());
        use_effect_with(ask, move |ask| {
            let flight = Rc::new(Flight {
                ask: ask.clone(),
                flying: Cell::new(false),
                again: Cell::new(false),
                gone: Cell::new(false),
                known,
            });
            let subscription = {
                let flight = flight.clone();
                ipc::subscribe(ask.topics.clone(), Callback::from(move |()| flight.fetch()))
            };
            current.replace(Some(flight.clone()));
            flight.fetch();
            move || {
                flight.gone.set(true);
                drop(subscription);
            }
        });
    }
    let retry = use_callback((), move |(), ()| fetch_again(&flight));
    (known, retry)
}

fn fetch_again(flight: &RefCell<Option<Rc<Flight>>>) {
    let flight = flight.borrow().clone();
    if let Some(flight) = flight {
        flight.fetch();
    }
}

/// Asks now, and again whenever one of `topics` changed. A changed `request` keeps the old data in
/// sight until the new data is there; a page about another thing is another component (its key).
#[hook]
pub fn use_query<C>(request: C, topics: Vec<Topic>) -> Query<C::Reply>
where
    C: Command + Clone + PartialEq,
    C::Reply: PartialEq,
{
    let (known, retry) = use_ask(Ask::new(request, topics));
    Query {
        data: known.data.clone().and_then(|data| data.downcast().ok()),
        error: known.error.clone(),
        known_at: known.at.get(),
        retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::ErrorCode;

    fn reduced(known: Rc<Known>, at: i64, answer: Result<u32, Error>) -> Rc<Known> {
        known.reduce((Time(at), answer.map(|n| Rc::new(n) as Data), is_same::<u32>))
    }

    fn number(known: &Known) -> Option<u32> {
        known
            .data
            .as_ref()
            .and_then(|data| data.downcast_ref().copied())
    }

    #[test]
    fn old_data_stays_in_sight_when_fetching_fails() {
        let known = reduced(Rc::new(Known::nothing()), 1, Ok(7));
        let known = reduced(known, 2, Err(Error::new(ErrorCode::Internal)));
        assert_eq!(number(&known), Some(7));
        assert!(known.error.is_some());
        assert_eq!(
            known.at.get(),
            Some(Time(1)),
            "the data is as old as when it came"
        );
        let known = reduced(known, 3, Ok(7));
        assert!(known.error.is_none(), "an answer clears the error");
        assert_eq!(known.at.get(), Some(Time(3)));
    }

    #[test]
    fn the_same_answer_renders_nothing_again() {
        let first = reduced(Rc::new(Known::nothing()), 1, Ok(7));
        let second = reduced(first.clone(), 2, Ok(7));
        assert!(*first == *second);
        let third = reduced(second.clone(), 3, Ok(8));
        assert!(*second != *third);
        assert_eq!(number(&third), Some(8));
    }
}
