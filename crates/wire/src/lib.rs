//! What crosses between the engine and the UI: commands, replies, errors and topics.
//!
//! Owns: the one table of commands ([`commands!`]) and every type in it. Must not know: where the
//! engine runs, how a reply is shown, or any sentence (those are in `words`). Times are Unix
//! milliseconds, ids are UUIDv7, and no reply type can hold a secret: the only secret here is
//! [`SecretInput`], which goes in and cannot be written out except by the UI itself.
//!
//! An enum of a reply has its tag beside its fields (`tag = "reason"`). On wasm the same is said as
//! `rename = "#reason"`, which the UI's reader knows (`ui/src/ipc/lean.rs`): what serde generates for
//! `tag` weighs several kilobytes for each enum. Such an enum is read there, never written.

mod activity;
mod agent;
mod apps;
mod background;
mod channels;
mod client;
mod command;
mod connect;
mod cron;
mod door;
mod error;
mod ids;
mod integration;
mod notice;
mod openapi;
mod policy;
mod provider;
mod record;
mod secret;
mod settings;
mod task;
mod time;
mod topics;

pub use activity::*;
pub use agent::*;
pub use apps::*;
pub use background::*;
pub use channels::*;
pub use client::*;
pub use command::*;
pub use connect::*;
pub use cron::*;
pub use door::*;
pub use error::*;
pub use ids::*;
pub use integration::*;
pub use notice::*;
pub use openapi::*;
pub use policy::*;
pub use provider::*;
pub use record::*;
pub use secret::SecretInput;
pub use settings::*;
pub use task::*;
pub use time::Time;
pub use topics::{Changed, Topic};
