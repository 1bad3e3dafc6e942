//! "Check the record": is every row there, as it was written?

use super::chosen::Chosen;
use crate::{
    icons::{Icon, icon},
    ipc,
    say::{say, say_count, say_error, say_with},
    time::{date, full, now},
};
use std::rc::Rc;
use wire::{CannotCheck, Error, RecordProof, RecordState, Tampering, VerifyRecord};
use yew::{platform::spawn_local, prelude::*};

/// The button; below the head of the page, what it found, and `on_choose` to see the row.
#[hook]
pub fn use_proof(on_choose: &Callback<Chosen>) -> (Html, Html) {
    let busy = use_state(|| false);
    let found = use_state(|| None::<Rc<Result<RecordProof, Error>>>);
    let onclick = {
        let (busy, found) = (busy.clone(), found.clone());
        Callback::from(move |_: MouseEvent| {
            let (busy, found) = (busy.clone(), found.clone());
            busy.set(true);
            // The same answer again is told again.
            found.set(None);
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
    let banner = found.as_deref().map(|found| told(found, &close, on_choose));
    (button, banner.unwrap_or_default())
}

fn told(
    found: &Result<RecordProof, Error>,
    close: &Callback<MouseEvent>,
    on_choose: &Callback<Chosen>,
) -> Html {
    let at = found.as_ref().ok().and_then(|proof| proof.at);
    let (ink, picture, text) = match found {
        Err(error) => ("bad-ink", Icon::Failing, say_error(error)),
        Ok(proof) => sentence(proof),
    };
    html! {
        <div class="banner" data-testid="proof">
            <span class={ink}>{ icon(picture) }</span>
            <span class="grow">
                { text }
                { found.as_ref().map(also).unwrap_or_default() }
            </span>
            if let Some(at) = at {
                <span class="sub">{ full(at.began) }</span>
                <button type="button" data-testid="proof-show" onclick={on_choose.reform(move |_: MouseEvent| Chosen::of_call(at.call))}>
                    { say("record-show") }</button>
            }
            <button type="button" class="quiet icon" aria-label={say("close")} onclick={close}>{ icon(Icon::Close) }</button>
        </div>
    }
}

/// What is to be known of a record that is whole.
fn also(proof: &RecordProof) -> Html {
    if proof.state != RecordState::Intact {
        return Html::default();
    }
    let keyless = usize::try_from(proof.keyless).unwrap_or(usize::MAX);
    html! {
        <span class="sub">
            if keyless > 0 { { " " }{ say_count("record-keyless", keyless) } }
            if let Some(at) = proof.removed_at {
                { " " }{ say_with("record-removed", &[("date", &date(at, now()))]) }
            }
        </span>
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
                Tampering::AnchorOld => "record-anchor-old",
                Tampering::Tables => "record-tables",
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

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Time;

    fn told(state: RecordState) -> (&'static str, String) {
        let proof = RecordProof {
            state,
            rows: 12,
            keyless: 0,
            removed_at: None,
            at: None,
            checked_at: Time(0),
        };
        let (ink, _, text) = sentence(&proof);
        (ink, text.to_string())
    }

    #[test]
    fn each_state_has_its_own_sentence_and_colour() {
        let (ink, text) = told(RecordState::Intact);
        assert!(ink == "ok-ink" && text.contains("12 rows"), "{text}");
        let mut texts = vec![text];
        for (how, word) in [
            (Tampering::Changed, "row 7 is not as it was written"),
            (Tampering::Moved, "row 7 stands in another"),
            (Tampering::Missing, "from row 7 on"),
            (Tampering::BeginningMissing, "up to row 7"),
            (Tampering::EndMissing, "from row 7 on"),
            (Tampering::AllMissing, "all of its rows"),
            (Tampering::OtherData, "another installation"),
            (Tampering::AnchorMissing, "anchor file"),
            (Tampering::AnchorOld, "from row 7 on may be missing"),
            (Tampering::Tables, "lists may leave rows out"),
        ] {
            let (ink, text) = told(RecordState::Tampered { how, seq: 7 });
            assert!(ink == "bad-ink" && text.contains(word), "{how:?}: {text}");
            texts.push(text);
        }
        let (ink, text) = told(RecordState::Restored { seq: 7 });
        assert!(ink == "warn-ink" && text.contains("after row 7"), "{text}");
        texts.push(text);
        for (why, word) in [
            (CannotCheck::Keyring, "does not give its key"),
            (CannotCheck::NoKey, "first connection"),
            (CannotCheck::KeyLost, "has lost the key"),
        ] {
            let (ink, text) = told(RecordState::CannotCheck { why });
            assert!(ink == "warn-ink" && text.contains(word), "{why:?}: {text}");
            texts.push(text);
        }
        let count = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), count, "no two states say the same");
    }
}
