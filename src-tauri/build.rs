//! Declares the commands to Tauri, so that it checks each against the one capability in
//! tauri.conf.json: a command that is not declared here would not be checked at all.

use std::{env, fs, path::Path};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Tauri embeds this folder and refuses to build without it. `cargo xtask ui` puts the real
    // page here; without it the window is empty, which only a bare `cargo build` gets to see.
    let page = Path::new("ui/dist/index.html");
    if !page.exists() {
        fs::create_dir_all("ui/dist")?;
        fs::write(page, "<!doctype html>\n")?;
    }
    println!("cargo:rerun-if-changed=ui/dist");

    // What `AppManifest::commands` writes too, but in the build folder instead of in a
    // `permissions/` at the root of the project.
    let permissions = Path::new(&env::var("OUT_DIR")?).join("commands.toml");
    let allow = |name: &&str| {
        let id = name.replace('_', "-");
        format!("[[permission]]\nidentifier = \"allow-{id}\"\ncommands.allow = [\"{name}\"]\n")
    };
    fs::write(
        &permissions,
        wire::NAMES.iter().map(allow).collect::<String>(),
    )?;
    // Taken as a glob, in which a bracket means something.
    let pattern = permissions.to_string_lossy().replace('[', "[[]");
    let manifest = tauri_build::AppManifest::new().permissions_path_pattern(pattern.leak());
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))?;
    Ok(())
}
