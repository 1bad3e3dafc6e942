//! The screens: the built UI in a real headless browser, against the real engine behind the test
//! host. The keyring is in memory; everything else is what the window has.

mod access;
mod accessibility;
mod activity;
mod adding;
mod agents;
mod crons;
mod documents;
mod filters;
mod finding;
mod first_run;
mod gallery;
mod granted;
mod held;
mod keyboard;
mod kit;
mod notices;
mod reading;
mod relay;
mod repair;
mod sheets;
mod tasks;
mod trouble;
