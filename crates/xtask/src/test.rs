//! `cargo xtask test`: sets up what the tests need, builds the UI and the window, runs the rings, and counts.

mod count;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use self::count::Count;
use crate::interrupt;
use crate::process::{cargo, end_group, minutes, own_group, root, run, shown};
use crate::setup::{self, Consent, Purpose};
use crate::{run as app, ui};

/// How long one `cargo test` may take, building included, before it is ended and counted as a failure.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// The three kinds of tests, the middle one split by what it needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Ring {
    /// Tables and properties, beside the code
    Unit,
    /// The engine with fakes and with real servers
    Journeys,
    /// The built UI in a headless browser, against the test host
    Screens,
    /// The real window, in a desktop of its own
    Desktop,
}

const ALL: [Ring; 4] = [Ring::Unit, Ring::Journeys, Ring::Screens, Ring::Desktop];

/// Runs one ring, or all. Prints the counts and ends with failure if any test failed or a ring could not run.
pub fn test(ring: Option<Ring>, filter: Option<&str>, consent: Consent) -> Result<ExitCode> {
    let rings: &[Ring] = match &ring {
        Some(one) => std::slice::from_ref(one),
        None => &ALL,
    };
    let began = Instant::now();
    setup::prepare(Purpose::Tests, consent)?;
    // The unit ring too: the helper that starts the real servers is tried on them.
    install_peers()?;
    if rings.contains(&Ring::Journeys) {
        install_python()?;
    }
    if rings.contains(&Ring::Journeys) || rings.contains(&Ring::Screens) {
        // The journeys start it, and the screens write it into configurations. Chosen among all default members, as the tests are, so that cargo builds the
        // libraries that they share once.
        run(cargo().args(["build", "--bin", "chief"]))?;
    }
    if rings.contains(&Ring::Desktop) {
        app::build()?;
    } else if rings.contains(&Ring::Screens) {
        ui::build()?;
    }
    let mut report = vec![format!("setup and build  {}", minutes(began.elapsed()))];

    let mut total = Count::default();
    for ring in rings {
        let began = Instant::now();
        let count = run_ring(*ring, filter).unwrap_or_else(|error| {
            eprintln!("xtask: the {ring:?} ring could not run: {error:#}");
            Count::one_failed()
        });
        report.push(format!(
            "{:<16} {}  {} passed, {} failed",
            format!("{ring:?}").to_lowercase(),
            minutes(began.elapsed()),
            count.passed,
            count.failed
        ));
        total += count;
    }
    if total.passed + total.failed == 0 {
        eprintln!(
            "xtask: no test's name contains {:?}",
            filter.unwrap_or_default()
        );
        total = Count::one_failed();
    }
    println!("\n{}", report.join("\n"));
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One test of the journeys, by its whole name, with one more variable in its environment.
pub fn one_journey(name: &str, (variable, value): (&str, &str), consent: Consent) -> Result<()> {
    setup::prepare(Purpose::Tests, consent)?;
    install_peers()?;
    let mut command = cargo_test(&target("journeys")?, Some(name));
    command.args(["--exact", "--nocapture"]);
    run(dress(&mut command)?.env(variable, value))
}

/// `npm ci` for the real servers, when what is installed is older than the lock file.
fn install_peers() -> Result<()> {
    let peers = root().join("tests/peers");
    let lock = peers.join("package-lock.json");
    let locked = lock
        .metadata()
        .with_context(|| format!("no {}: the real servers are not named", lock.display()))?
        .modified()?;
    let installed = peers
        .join("node_modules/.package-lock.json")
        .metadata()
        .and_then(|meta| meta.modified());
    if installed.is_ok_and(|installed| installed >= locked) {
        return Ok(());
    }
    // By the PATH that it will have: Command looks in the child's.
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"])
        .current_dir(&peers);
    run(dress(&mut npm)?)
}

/// The packages of `tests/peers/requirements.txt`, into target/tools/python, when those there are others.
fn install_python() -> Result<()> {
    let wanted = root().join("tests/peers/requirements.txt");
    let folder = root().join("target/tools/python");
    let text = fs::read_to_string(&wanted).with_context(|| format!("no {}", wanted.display()))?;
    let stamp = folder.join(".requirements");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == text) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    run(Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--target"])
        .arg(&folder)
        .arg("--requirement")
        .arg(&wanted))?;
    fs::write(stamp, text)?;
    Ok(())
}

/// What every test finds in its environment.
fn dress(command: &mut Command) -> Result<&mut Command> {
    let node = setup::node_folder().context("no Node that is new enough was found")?;
    let path = env::var_os("PATH").unwrap_or_default();
    // Where that Node is ours, its npm lies here; elsewhere the folder is not there.
    let tools = root().join("target/tools/node_modules/.bin");
    let path = env::join_paths([node, tools].into_iter().chain(env::split_paths(&path)))?;
    Ok(command
        .env("PATH", path)
        .env("CHIEF_UI_DIST", root().join("ui/dist"))
        .env("CHIEF_APP", app::app())
        .env("CHIEF_XTASK", env::current_exe()?)
        .env("CHIEF_PEERS", root().join("tests/peers")))
}

fn run_ring(ring: Ring, filter: Option<&str>) -> Result<Count> {
    eprintln!("\n== {ring:?}");
    match ring {
        // No document test is written here, and looking for them would build every library once more.
        Ring::Unit => tally(dress(&mut cargo_test(&unit_targets()?, filter))?),
        Ring::Journeys => {
            let names = ["journeys", "connectors", "shell", "conformance"];
            let targets = names
                .into_iter()
                .map(target)
                .collect::<Result<Vec<_>>>()?
                .concat();
            tally(dress(&mut cargo_test(&targets, filter))?)
        }
        Ring::Screens => tally(dress(&mut cargo_test(&target("screens")?, filter))?),
        Ring::Desktop => {
            // Each test starts a desktop of its own; with two cores, one at a time.
            let mut command = cargo_test(&target("desktop")?, filter);
            command.arg("--test-threads=1");
            tally(dress(&mut command)?)
        }
    }
}

/// `cargo test … -- FILTER`, over all default members even when one of them fails. They are always chosen together, so
/// that cargo builds the libraries that they share once.
fn cargo_test(targets: &[String], filter: Option<&str>) -> Command {
    let mut command = cargo();
    command
        .arg("test")
        .arg("--no-fail-fast")
        .args(targets)
        .arg("--")
        .args(filter);
    command
}

/// Libraries, programs, and the integration tests of every package but the rings' own.
fn unit_targets() -> Result<Vec<String>> {
    let mut arguments = vec!["--lib".to_owned(), "--bins".to_owned()];
    for (package, target) in test_targets()? {
        if package != "chief-tests" {
            arguments.extend(["--test".to_owned(), target]);
        }
    }
    Ok(arguments)
}

/// The one test target of a ring; an error where it is missing, since a ring that is not there has not passed.
fn target(name: &str) -> Result<Vec<String>> {
    let here = test_targets()?;
    if !here
        .iter()
        .any(|(package, target)| package == "chief-tests" && target == name)
    {
        bail!("tests/Cargo.toml declares no [[test]] named {name}");
    }
    Ok(vec!["--test".to_owned(), name.to_owned()])
}

/// (package, name) of every integration test in the workspace.
fn test_targets() -> Result<Vec<(String, String)>> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()?;
    Ok(metadata
        .packages
        .iter()
        .flat_map(|package| {
            package
                .targets
                .iter()
                .filter(|target| target.is_test())
                .map(|target| (package.name.to_string(), target.name.clone()))
        })
        .collect())
}

/// Runs `cargo test`, shows what it prints, and adds up its counts.
fn tally(command: &mut Command) -> Result<Count> {
    eprintln!("$ {}", shown(command));
    own_group(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start {}", shown(command)))?;
    let entry = interrupt::group(child.id());
    let stdout = child.stdout.take().context("its output is piped")?;
    let watch = watch(child.id());
    let mut count = Count::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        count.read(&line);
    }
    let status = child.wait()?;
    drop(watch);
    drop(entry);
    end_group(&mut child);
    count.ended(status.success());
    Ok(count)
}

/// Ends the group when [`LIMIT`] passes before the returned value is dropped.
fn watch(leader: u32) -> std::sync::mpsc::Sender<()> {
    let (done, over) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        if over.recv_timeout(LIMIT) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            eprintln!("xtask: out of time after {}; ending it", minutes(LIMIT));
            crate::process::signal_group(leader, true);
        }
    });
    done
}
