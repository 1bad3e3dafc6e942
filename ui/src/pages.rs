//! Pages: each owns its data and hands it to parts.

pub mod activity;
pub mod agents;
pub mod crons;
pub mod integration;
pub mod integrations;
pub mod notices;
pub mod settings;
pub mod tasks;
