//! Saving what a form of Settings holds.

use crate::{
    ipc,
    say::{say, say_error},
    state::Frame,
};
use wire::{Command, Error};
use yew::{platform::spawn_local, prelude::*};

/// Saves what it is given and says so; beside it what refused the last time, until something was saved.
#[hook]
pub fn use_save<C: Command<Reply = ()>>() -> (Callback<C>, Option<AttrValue>) {
    let frame = use_context::<Frame>().expect("the app gives the frame");
    let refused = use_state(|| None::<Error>);
    let save = {
        let refused = refused.setter();
        Callback::from(move |ask: C| {
            let (frame, refused) = (frame.clone(), refused.clone());
            spawn_local(async move {
                let saved = ipc::call(ask).await;
                if saved.is_ok() {
                    frame.settings.retry.emit(());
                    frame.say(say("saved"));
                }
                refused.set(saved.err());
            });
        })
    };
    (save, (*refused).as_ref().map(say_error))
}
