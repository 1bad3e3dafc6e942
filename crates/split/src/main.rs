//! Cuts a linked wasm program in two: `split PROGRAM.wasm FOLDER NAME`.
//!
//! Owns: the call of the library. Into the folder go `NAME.wasm`, which `wasm-bindgen` reads next, one file
//! for each part that is fetched later, and `later.js`, which fetches them. Must not know: what is in which part.

use std::path::PathBuf;
use std::{env, fs};

use anyhow::{Context, Result, anyhow};
use wasm_split_cli_support::{Options, transform};

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let mut next = |what: &str| arguments.next().with_context(|| format!("no {what}"));
    let program = PathBuf::from(next("program")?);
    let folder = PathBuf::from(next("folder")?);
    let name = next("name")?;

    let wasm = fs::read(&program).with_context(|| format!("no {}", program.display()))?;
    let main = folder.join(format!("{name}.wasm"));
    let script = format!("./{name}.js");
    let mut options = Options::new(&wasm);
    options.output_dir = &folder;
    options.main_out_path = &main;
    options.main_module = &script;
    options.link_name = "./later.js";
    options.target.web();
    // Its own kind of error, with its causes.
    transform(options).map_err(|error| anyhow!("{error:?}"))?;
    Ok(())
}
