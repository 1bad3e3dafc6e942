//! A network of its own: the test runs once more inside `unshare`, where fifty addresses lie on the
//! loopback device behind a default route, and can be taken away.

use anyhow::{Context, Result, ensure};
use std::process::{Command, Stdio};

/// The variable that says that this is the inside.
const INSIDE: &str = "CHIEF_TEST_NET";

/// True inside of the private network. Outside, runs `test` there and is its outcome.
pub fn inside(test: &str, environment: &[(&str, &str)]) -> Result<bool> {
    if std::env::var_os(INSIDE).is_some() {
        return Ok(true);
    }
    let done = Command::new("unshare")
        // A user namespace of its own, too: so nobody need be root.
        .args(["--map-root-user", "--net", "--"])
        .arg(std::env::current_exe()?)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .context("unshare is missing (util-linux)")?;
    let said = String::from_utf8_lossy(&done.stdout);
    print!("{said}");
    eprint!("{}", String::from_utf8_lossy(&done.stderr));
    ensure!(
        done.status.success() && said.contains("1 passed"),
        "inside of a network of its own it ended with {}",
        done.status
    );
    Ok(false)
}

/// The address of the nth server.
pub fn address(n: usize) -> String {
    format!("10.9.0.{n}")
}

/// Plugs the network in: `count` addresses, and a way out.
pub fn plug_in(count: usize) -> Result<()> {
    ip("link set lo up")?;
    for n in 1..=count {
        ip(&format!("addr add {}/32 dev lo", address(n)))?;
    }
    ip("route add default dev lo")
}

/// Takes it away again: no address, no way out.
pub fn pull_out(count: usize) -> Result<()> {
    ip("route del default")?;
    for n in 1..=count {
        ip(&format!("addr del {}/32 dev lo", address(n)))?;
    }
    Ok(())
}

/// Takes only these away: whoever connects to one is told at once that it cannot be reached.
pub fn cut(which: impl IntoIterator<Item = usize>) -> Result<()> {
    for n in which {
        ip(&format!("addr del {}/32 dev lo", address(n)))?;
        ip(&format!("route add unreachable {}/32", address(n)))?;
    }
    Ok(())
}

fn ip(what: &str) -> Result<()> {
    let done = Command::new("ip")
        .args(what.split(' '))
        .output()
        .context("ip is missing (iproute2)")?;
    ensure!(
        done.status.success(),
        "ip {what}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(())
}
