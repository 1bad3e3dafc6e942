//! The real window: the app as it is shipped, driven by WebDriver, in a desktop of its own for each
//! test, with a real keyring, a real session bus and real servers at the other end.

mod agents;
mod crons;
mod device;
mod documents;
mod first_run;
mod health;
mod keyrings;
mod kit;
mod links;
mod links_with_code;
mod notices;
mod sign_in;
mod tray;
mod walls;
