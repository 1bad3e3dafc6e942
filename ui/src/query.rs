//! What a page knows of the engine, kept fresh: fetched once, fetched again when a topic changed.

use crate::{ipc, time};
use std::{cell::Cell, rc::Rc};
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

impl<T: PartialEq> PartialEq for Query<T> {
    fn eq(&self, other: &Self) -> bool {
        let same_data = match (&self.data, &other.data) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b) || a == b,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        // `known_at` matters only beside an error.
        same_data
            && self.error == other.error
            && (self.error.is_none() || self.known_at == other.known_at)
    }
}

impl<T> Query<T> {
    /// Nothing came yet, neither data nor error.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.data.is_none() && self.error.is_none()
    }
}

struct Known<T> {
    data: Option<Rc<T>>,
    error: Option<Rc<Error>>,
    at: Rc<Cell<Option<Time>>>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self {
            data: None,
            error: None,
            at: Rc::default(),
        }
    }
}

impl<T: PartialEq> Reducible for Known<T> {
    type Action = (Time, Result<T, Error>);

    fn reduce(self: Rc<Self>, (at, answer): Self::Action) -> Rc<Self> {
        match answer {
            Ok(data) => {
                self.at.set(Some(at));
                let same = self.data.as_deref() == Some(&data);
                if same && self.error.is_none() {
                    return self;
                }
                Rc::new(Self {
                    data: if same { self.data.clone() } else { Some(Rc::new(data)) },
                    error: None,
                    at: self.at.clone(),
                })
            }
            Err(error) => Rc::new(Self {
                data: self.data.clone(),
                error: Some(Rc::new(error)),
                at: self.at.clone(),
            }),
        }
    }
}

impl<T> PartialEq for Known<T> {
    fn eq(&self, other: &Self) -> bool {
        // The reducer keeps the same pointers where nothing changed.
        fn same<T>(a: &Option<Rc<T>>, b: &Option<Rc<T>>) -> bool {
            match (a, b) {
                (Some(a), Some(b)) => Rc::ptr_eq(a, b),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            }
        }
        same(&self.data, &other.data) && same(&self.error, &other.error)
    }
}

/// One page's fetching: one request in flight at a time. What changes meanwhile is one more fetch
/// at the end, however often it changes.
struct Flight<C: Command, F> {
    request: C,
    flying: Cell<bool>,
    again: Cell<bool>,
    gone: Cell<bool>,
    done: F,
}

impl<C, F> Flight<C, F>
where
    C: Command + Clone,
    F: Fn(Result<C::Reply, Error>) + 'static,
{
    fn fetch(self: &Rc<Self>) {
        if self.flying.replace(true) {
            self.again.set(true);
            return;
        }
        let me = self.clone();
        spawn_local(async move {
            loop {
                me.again.set(false);
                let answer = ipc::call(me.request.clone()).await;
                if me.gone.get() {
                    return;
                }
                (me.done)(answer);
                if !me.again.get() {
                    break;
                }
            }
            me.flying.set(false);
        });
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
    let known = use_reducer_eq(Known::<C::Reply>::default);
    let again = use_mut_ref(|| None::<Callback<()>>);
    {
        let (again, known) = (again.clone(), known.dispatcher());
        use_effect_with((request, topics), move |(request, topics)| {
            let flight = Rc::new(Flight {
                request: request.clone(),
                flying: Cell::new(false),
                again: Cell::new(false),
                gone: Cell::new(false),
                done: move |answer| known.dispatch((time::now(), answer)),
            });
            let fetch = {
                let flight = flight.clone();
                Callback::from(move |()| flight.fetch())
            };
            let subscription = ipc::subscribe(topics.clone(), fetch.clone());
            again.replace(Some(fetch));
            flight.fetch();
            move || {
                flight.gone.set(true);
                drop(subscription);
            }
        });
    }
    let retry = use_callback((), move |(), ()| {
        let fetch = again.borrow().clone();
        if let Some(fetch) = fetch {
            fetch.emit(());
        }
    });
    Query {
        data: known.data.clone(),
        error: known.error.clone(),
        known_at: known.at.get(),
        retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::ErrorCode;

    fn reduced(known: Rc<Known<u32>>, at: i64, answer: Result<u32, Error>) -> Rc<Known<u32>> {
        known.reduce((Time(at), answer))
    }

    #[test]
    fn old_data_stays_in_sight_when_fetching_fails() {
        let known = reduced(Rc::new(Known::default()), 1, Ok(7));
        let known = reduced(known, 2, Err(Error::new(ErrorCode::Internal)));
        assert_eq!(known.data.as_deref(), Some(&7));
        assert!(known.error.is_some());
        assert_eq!(known.at.get(), Some(Time(1)), "the data is as old as when it came");
        let known = reduced(known, 3, Ok(7));
        assert!(known.error.is_none(), "an answer clears the error");
        assert_eq!(known.at.get(), Some(Time(3)));
    }

    #[test]
    fn the_same_answer_renders_nothing_again() {
        let first = reduced(Rc::new(Known::default()), 1, Ok(7));
        let second = reduced(first.clone(), 2, Ok(7));
        assert!(*first == *second);
        let third = reduced(second.clone(), 3, Ok(8));
        assert!(*second != *third);
    }
}
