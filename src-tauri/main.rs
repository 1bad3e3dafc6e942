//! Chief Integrations, the desktop application.

// Without this, Windows opens a console beside the window. Debug builds keep it for their output.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> anyhow::Result<()> {
    chief_integrations::run()
}
