//! Everything the app does: connections, credentials, health, calls, the record.
//!
//! Owns: the engine and its three ports ([`ports`]). Must not know: Tauri, windows, WebKit, or how
//! agents reach the gateway. The shell and the test host give it a folder and the three ports, and
//! hand it the commands of `wire`'s table.

pub mod connectors;
#[cfg(feature = "fakes")]
pub mod fakes;
pub mod http;
pub mod oauth;
pub mod ports;
pub mod sample;
pub mod secret;
pub mod store;
pub mod vault;
