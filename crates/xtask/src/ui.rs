//! Builds the UI: wasm by cargo, JavaScript by the wasm-bindgen library that we are linked with, and the page,
//! styles and assets copied beside them into ui/dist. Nothing is downloaded and nothing is inline, because the
//! window's CSP is `script-src 'self' 'wasm-unsafe-eval'`.

mod order;

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::process::{cargo, root, run};
use crate::setup::{self, Consent, Purpose, WASM};

/// A page that a window loads: a Yew program and the folder with its `index.html`, whose `dist` is written.
struct Page {
    package: &'static str,
    folder: &'static str,
    /// Fetched in two parts: see ui/src/later.rs.
    is_cut: bool,
}

const APP: Page = Page {
    package: "chief-ui",
    folder: "ui",
    is_cut: true,
};

/// The page of the window that the benchmark measures the app beside.
const BARE: Page = Page {
    package: "chief-bare-ui",
    folder: "tests/bare/ui",
    is_cut: false,
};

/// `cargo xtask ui`.
pub fn command(consent: Consent) -> Result<()> {
    setup::prepare(Purpose::Ui, consent)?;
    let dist = build()?;
    println!("{}", dist.display());
    Ok(())
}

/// Builds what changed and returns the absolute path of ui/dist. Files that did not change are not touched, so that
/// what depends on them is not built again.
pub fn build() -> Result<PathBuf> {
    APP.build()
}

/// The same for the bare window's page.
pub fn build_bare() -> Result<PathBuf> {
    BARE.build()
}

impl Page {
    fn build(&self) -> Result<PathBuf> {
        let target = root().join("target/wasm");
        run(setup::toolchain(WASM)?
            .cargo()
            .args(["build", "--package", self.package, "--bin", self.package])
            .args([
                "--target",
                WASM,
                "--profile",
                "wasm-release",
                "--target-dir",
            ])
            .arg(&target))?;
        let wasm = target
            .join(WASM)
            .join("wasm-release")
            .join(format!("{}.wasm", self.package));
        let bound = target.join("bound").join(self.package);
        bind(self, &wasm, &bound)?;

        let source = root().join(self.folder);
        let dist = source.join("dist");
        let mut written = BTreeSet::new();
        for (from, to) in [
            (bound, ""),
            (source.join("styles"), "styles"),
            (source.join("assets"), "assets"),
        ] {
            copy_folder(&from, &dist.join(to), &mut written)?;
        }
        put(&dist.join("boot.js"), self.boot().as_bytes(), &mut written)?;
        let page = source.join("index.html");
        let html = fs::read_to_string(&page).with_context(|| format!("no {}", page.display()))?;
        put(&dist.join("index.html"), html.as_bytes(), &mut written)?;
        remove_others(&dist, &written)?;
        check_page(&html, &dist).with_context(|| format!("{} would not load", page.display()))?;
        Ok(dist)
    }

    /// The one module of the page. A file of its own, since the CSP refuses inline scripts.
    fn boot(&self) -> String {
        format!(
            "import init from \"./{}.js\";\nawait init();\n",
            self.package
        )
    }
}

/// Changes with what [`bind`] asks for or is linked with.
const BOUND_BY: &str = "wasm-bindgen 0.2.130, fourth form";

/// Runs wasm-bindgen, only where the wasm changed since the last time.
fn bind(page: &Page, wasm: &Path, out: &Path) -> Result<()> {
    let name = page.package;
    let bytes = fs::read(wasm).with_context(|| format!("no {}", wasm.display()))?;
    let stamp_file = out.with_extension("stamp");
    let hash = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    let stamp = format!("{hash} {BOUND_BY}");
    if out.is_dir() && fs::read_to_string(&stamp_file).is_ok_and(|last| last == stamp) {
        return Ok(());
    }
    remove_folder(out)?;
    let parts = out.with_extension("parts");
    let start = if page.is_cut {
        cut(name, wasm, &parts)?
    } else {
        wasm.to_owned()
    };
    Bindgen::new()
        .input_path(start)
        .out_name(name)
        .web(true)?
        .typescript(false)
        // The module finds its wasm beside itself.
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        // By which the later part finds the memory and the table of the first.
        .keep_lld_exports(page.is_cut)
        .generate(out)
        .context("wasm-bindgen could not read the UI's wasm")?;
    if page.is_cut {
        fs::remove_file(parts.join(format!("{name}.wasm")))?;
        copy_folder(&parts, out, &mut BTreeSet::new())?;
    }
    for file in fs::read_dir(out)? {
        let program = file?.path();
        if program.extension().is_some_and(|end| end == "wasm") {
            fs::write(&program, order::by_likeness(&fs::read(&program)?)?)?;
        }
    }
    fs::write(stamp_file, stamp)?;
    Ok(())
}

/// Cuts a program into the one that starts and what that fetches later, all in `parts`; the first one's path.
fn cut(name: &str, wasm: &Path, parts: &Path) -> Result<PathBuf> {
    remove_folder(parts)?;
    run(cargo()
        .args(["run", "--locked", "--quiet", "--manifest-path"])
        .arg(root().join("crates/split/Cargo.toml"))
        .arg("--target-dir")
        .arg(root().join("target/split"))
        .arg("--")
        .args([wasm, parts])
        .arg(name))?;
    Ok(parts.join(format!("{name}.wasm")))
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Copies a folder's files, where there is one, leaving equal ones untouched.
fn copy_folder(from: &Path, to: &Path, written: &mut BTreeSet<PathBuf>) -> Result<()> {
    let Ok(files) = fs::read_dir(from) else {
        return Ok(());
    };
    for file in files {
        let file = file?;
        let to = to.join(file.file_name());
        if file.file_type()?.is_dir() {
            copy_folder(&file.path(), &to, written)?;
        } else {
            put(&to, &fs::read(file.path())?, written)?;
        }
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8], written: &mut BTreeSet<PathBuf>) -> Result<()> {
    written.insert(path.to_path_buf());
    if fs::read(path).is_ok_and(|now| now == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes).with_context(|| format!("could not write {}", path.display()))
}

/// Removes what an earlier build left.
fn remove_others(folder: &Path, written: &BTreeSet<PathBuf>) -> Result<()> {
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if path.is_dir() {
            remove_others(&path, written)?;
            if fs::read_dir(&path)?.next().is_none() {
                fs::remove_dir(&path)?;
            }
        } else if !written.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Every file that the page names is there, it starts boot.js, and nothing is inline or from elsewhere.
fn check_page(html: &str, dist: &Path) -> Result<()> {
    let mut starts = false;
    for reference in references(html) {
        if reference.starts_with("data:") || reference.starts_with('#') {
            continue;
        }
        if reference.contains("//") {
            bail!("it names {reference}: the window loads its own files only");
        }
        let file = reference.trim_start_matches("./").trim_start_matches('/');
        if !file.is_empty() && !dist.join(file).is_file() {
            bail!("it names {reference}, which is not in its dist folder");
        }
        starts |= file == "boot.js";
    }
    if !starts {
        bail!("it must have <script type=\"module\" src=\"/boot.js\"></script>");
    }
    for tag in html.split("<script").skip(1) {
        let (attributes, rest) = tag.split_once('>').unwrap_or((tag, ""));
        let body = rest.split("</script").next().unwrap_or_default();
        if !attributes.contains("src=") || !body.trim().is_empty() {
            bail!("it has an inline script, which the window's CSP refuses");
        }
    }
    if html.contains("<style") || html.contains(" style=") {
        bail!("it has an inline style, which the window's CSP refuses");
    }
    Ok(())
}

/// The values of all `src` and `href` attributes.
fn references(html: &str) -> Vec<&str> {
    [" src=\"", " href=\""]
        .into_iter()
        .flat_map(|attribute| html.split(attribute).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "<link rel=\"stylesheet\" href=\"/styles/a.css\"><script type=\"module\" src=\"/boot.js\"></script>";

    fn dist() -> Result<tempfile::TempDir> {
        let dist = tempfile::tempdir()?;
        fs::create_dir(dist.path().join("styles"))?;
        fs::write(dist.path().join("styles/a.css"), "")?;
        fs::write(dist.path().join("boot.js"), APP.boot())?;
        Ok(dist)
    }

    #[test]
    fn a_page_that_names_its_own_files_passes() -> Result<()> {
        check_page(GOOD, dist()?.path())
    }

    #[test]
    fn a_page_that_would_not_load_is_refused() -> Result<()> {
        let dist = dist()?;
        for bad in [
            "<p>no script</p>".to_owned(),
            format!("{GOOD}<link href=\"/styles/missing.css\">"),
            format!("{GOOD}<script src=\"https://cdn.example/x.js\"></script>"),
            format!("{GOOD}<script>alert(1)</script>"),
            format!("{GOOD}<style>p {{}}</style>"),
            format!("{GOOD}<p style=\"x\"></p>"),
        ] {
            assert!(check_page(&bad, dist.path()).is_err(), "passed: {bad}");
        }
        Ok(())
    }

    #[test]
    fn what_an_earlier_build_left_is_removed_and_equal_files_keep_their_time() -> Result<()> {
        let dist = tempfile::tempdir()?;
        let (kept, old) = (dist.path().join("a/kept"), dist.path().join("b/old"));
        put(&kept, b"x", &mut BTreeSet::new())?;
        put(&old, b"y", &mut BTreeSet::new())?;
        let before = kept.metadata()?.modified()?;
        let mut written = BTreeSet::new();
        put(&kept, b"x", &mut written)?;
        remove_others(dist.path(), &written)?;
        assert_eq!(kept.metadata()?.modified()?, before);
        assert!(!old.exists() && !dist.path().join("b").exists());
        Ok(())
    }
}
