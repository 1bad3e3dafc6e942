//! Chief Integrations, the desktop application.

// Without this, Windows opens a console beside the window. Debug builds keep it for their output.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    chief_integrations::run()
}
