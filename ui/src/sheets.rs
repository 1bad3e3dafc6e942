//! The sheets in front of the pages: add, reconnect, rename, disconnect, and the attempt that two
//! of them end in.

mod add;
mod approval;
mod attempt;
mod change;
mod clients;
mod disconnect;
mod ends;
mod form;
mod may;
mod narrow;
mod openapi;
mod pair;
mod port;
mod quit;
mod reconnect;
mod rename;

use crate::state::{Action, Frame, Sheet};
use wire::{CardView, Kind};
use yew::prelude::*;

pub use change::Change;
pub use clients::Configured;
pub use may::chosen_of;
pub use narrow::some_of;
pub use pair::Pair;
pub use port::Port;
pub use rename::RenameForm;

/// True where the admin mends the credential by pasting a key. The sample's is made by the app.
#[must_use]
pub fn takes_key(card: &CardView) -> bool {
    card.auth.is_key() && card.kind != Kind::Sample
}

/// The open sheet, if one is.
pub fn sheets(frame: &Frame) -> Html {
    let close = frame.dispatch.reform(|()| Action::CloseSheet);
    match &frame.state.sheet {
        None => Html::default(),
        Some(Sheet::Add) => html! { <add::Add {close} /> },
        Some(Sheet::OpenApi(begin)) => html! { <openapi::OpenApi begin={begin.clone()} {close} /> },
        Some(Sheet::Attempt(id)) => attempt::sheet(frame, *id, &close),
        Some(Sheet::Approval(id)) => {
            html! { <approval::Approval key={id.to_string()} id={*id} {close} /> }
        }
        Some(Sheet::Reconnect(id)) => {
            html! { <reconnect::Reconnect key={id.to_string()} id={*id} {close} /> }
        }
        Some(Sheet::Access(id, tool)) => {
            html! { <reconnect::Reconnect key={id.to_string()} id={*id} tool={tool.clone()} {close} /> }
        }
        Some(Sheet::Quit) => quit::sheet(frame, &close),
        Some(Sheet::Rename(id)) => rename::sheet(frame, *id, &close),
        Some(Sheet::Disconnect(id)) => {
            html! { <disconnect::Disconnect key={id.to_string()} id={*id} {close} /> }
        }
    }
}
