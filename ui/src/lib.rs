//! The admin's window, in Yew.
//!
//! Owns: what is on screen. Pages own data (one [`query`] each), parts are pure (props → Html), the
//! [`app`] owns what surrounds every page: side bar, banner, sheet, toasts. Must not know: how a
//! status is decided, where the engine runs, or any sentence (those are in `words`). It keeps
//! nothing that matters: everything is fetched again when the engine says that it changed.

pub mod app;
pub mod brands;
pub mod guess;
pub mod icons;
pub mod inert;
pub mod ipc;
pub mod keys;
pub mod later;
pub mod page;
pub mod pages;
pub mod parts;
pub mod query;
pub mod route;
pub mod say;
pub mod sheets;
pub mod state;
pub mod time;
