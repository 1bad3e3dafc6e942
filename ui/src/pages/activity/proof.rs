//! "Check the record": is every row there, as it was written?

use crate::{
    icons::{Icon, icon},
    ipc,
    say::{say, say_error, say_with},
};
use std::rc::Rc;
use wire::{CannotCheck, Error, RecordProof, RecordState, Tampering, VerifyRecord};
use yew::{platform::spawn_local, prelude::*};

/// The button; below the head of the page, what it found.
#[hook]
pub fn use_proof() -> (Html, Html) {
    let busy = use_state(|| false);
    let found = use_state(|| None::<Rc<Result<RecordProof, Error>>>);
    let onclick = {
        let (busy, found) = (busy.clone(), found.clone());
        Callback::from(move |_: MouseEvent| {
            let (busy, found) = (busy.clone(), found.clone());
            busy.set(true);
            spawn_local(async move {
                found.set(Some(Rc::new(ipc::call(VerifyRecord {}).await)));
                busy.set(false);
            });
        })
    };
    let button = html! {
        <button type="button" data-testid="verify" disabled={*busy} {onclick}>
            if *busy { <span class="spin">{ icon(Icon::Busy) }</span> }
            { say(if *busy { "record-checking" } else { "record-check" }) }
        </button>
    };
    let close = {
        let found = found.clone();
        Callback::from(move |_: MouseEvent| found.set(None))
    };
    let banner = found.as_deref().map(|found| told(found, &close));
    (button, banner.unwrap_or_default())
}

fn told(found: &Result<RecordProof, Error>, close: &Callback<MouseEvent>) -> Html {
    let (ink, picture, text) = match found {
        Err(error) => ("bad-ink", Icon::Failing, say_error(error)),
        Ok(proof) => sentence(proof),
    };
    html! {
        <div class="banner" role="status" data-testid="proof">
            <span class={ink}>{ icon(picture) }</span>
            <span class="grow">{ text }</span>
            <button type="button" class="quiet icon" aria-label={say("close")} onclick={close}>{ icon(Icon::Close) }</button>
        </div>
    }
}

/// The answer in words, with its colour and picture.
pub fn sentence(proof: &RecordProof) -> (&'static str, Icon, AttrValue) {
    let rows = proof.rows.to_string();
    match proof.state {
        RecordState::Intact => (
            "ok-ink",
            Icon::Healthy,
            say_with("record-intact", &[("rows", &rows)]),
        ),
        RecordState::Tampered { how, seq } => {
            let key = match how {
                Tampering::Changed => "record-changed",
                Tampering::Moved => "record-moved",
                Tampering::Missing => "record-missing",
                Tampering::BeginningMissing => "record-beginning",
                Tampering::EndMissing => "record-end",
                Tampering::AllMissing => "record-all",
                Tampering::OtherData => "record-other",
                Tampering::AnchorMissing => "record-anchor",
            };
            let seq = seq.to_string();
            ("bad-ink", Icon::Failing, say_with(key, &[("row", &seq)]))
        }
        RecordState::Restored { seq } => {
            let seq = seq.to_string();
            let text = say_with("record-restored", &[("row", &seq)]);
            ("warn-ink", Icon::Expiring, text)
        }
        RecordState::CannotCheck { why } => {
            let key = match why {
                CannotCheck::Keyring => "record-keyring",
                CannotCheck::NoKey => "record-no-key",
                CannotCheck::KeyLost => "record-key-lost",
            };
            ("warn-ink", Icon::Unknown, say(key))
        }
    }
}
