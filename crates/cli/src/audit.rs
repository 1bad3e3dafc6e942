//! `chief audit verify`: whether the record is what was written.

use crate::{
    CANNOT_CHECK, NOT_WELL, RESTORED, door,
    say::{self, Failure},
};
use serde_json::json;
use std::path::Path;
use wire::{CannotCheck, RecordProof, RecordState, Tampering};
use words::{counted, text, with};

/// Has the app walk along its whole record. Each of the four answers has an exit code of its own.
pub async fn verify(folder: &Path, as_json: bool) -> Result<u8, Failure> {
    let mut app = door::enter_as_admin(folder).await?;
    let answer = app.ask("verify_record", json!({})).await?;
    let proof: RecordProof = door::read(&answer)?;
    if as_json {
        say::json(&answer)?;
    } else {
        say::line(&told(&proof))?;
        if proof.keyless > 0 {
            say::line(&counted(
                "record-keyless",
                u32::try_from(proof.keyless).unwrap_or(u32::MAX),
            ))?;
        }
        if let Some(at) = &proof.at {
            let ask = json!({ "call": at.call }).to_string();
            say::line(&with("cli-record-at", &[("ask", &ask)]))?;
        }
    }
    Ok(match proof.state {
        RecordState::Intact => 0,
        RecordState::Tampered { .. } => NOT_WELL,
        RecordState::Restored { .. } => RESTORED,
        RecordState::CannotCheck { .. } => CANNOT_CHECK,
    })
}

fn told(proof: &RecordProof) -> String {
    let rows = proof.rows.to_string();
    match &proof.state {
        RecordState::Intact => with("cli-record-intact", &[("rows", &rows)]),
        RecordState::Tampered { how, seq } => {
            let args = [("how", text(how_key(*how))), ("row", seq.to_string())];
            let args = args.each_ref().map(|(name, value)| (*name, value.as_str()));
            with("cli-record-tampered", &args)
        }
        RecordState::Restored { seq } => with("cli-record-restored", &[("row", &seq.to_string())]),
        RecordState::CannotCheck { why } => text(match why {
            CannotCheck::Keyring => "cli-record-keyring",
            CannotCheck::NoKey => "cli-record-no-key",
            CannotCheck::KeyLost => "cli-record-key-lost",
        }),
    }
}

fn how_key(how: Tampering) -> &'static str {
    match how {
        Tampering::Changed => "cli-record-changed",
        Tampering::Moved => "cli-record-moved",
        Tampering::Missing => "cli-record-missing",
        Tampering::BeginningMissing => "cli-record-beginning",
        Tampering::EndMissing => "cli-record-end",
        Tampering::AllMissing => "cli-record-all",
        Tampering::OtherData => "cli-record-other",
        Tampering::AnchorMissing => "cli-record-anchor",
        Tampering::AnchorOld => "cli-record-anchor-old",
        Tampering::Tables => "cli-record-tables",
    }
}
