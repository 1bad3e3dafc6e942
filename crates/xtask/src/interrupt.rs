//! Ctrl-C and SIGTERM: what we started in process groups of its own, and the folders we made, go with us.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::process::signal_group;

#[derive(PartialEq)]
enum Entry {
    Group(u32),
    Folder(PathBuf),
}

static LIVE: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

fn live() -> MutexGuard<'static, Vec<Entry>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Once, at the start.
pub fn install() {
    let installed = ctrlc::set_handler(|| {
        let entries = std::mem::take(&mut *live());
        for force in [false, true] {
            for entry in &entries {
                if let Entry::Group(leader) = entry {
                    signal_group(*leader, force);
                }
            }
            thread::sleep(Duration::from_millis(300));
        }
        for entry in &entries {
            if let Entry::Folder(folder) = entry {
                let _ = fs::remove_dir_all(folder);
            }
        }
        process::exit(130);
    });
    if let Err(error) = installed {
        eprintln!("xtask: ctrl-C will not clean up: {error}");
    }
}

/// Takes its entry off the list when it goes.
pub struct Registered(Entry);

impl Drop for Registered {
    fn drop(&mut self) {
        live().retain(|entry| *entry != self.0);
    }
}

/// A process group that must not outlive us.
pub fn group(leader: u32) -> Registered {
    live().push(Entry::Group(leader));
    Registered(Entry::Group(leader))
}

/// A folder that must not outlive us.
pub fn folder(path: &Path) -> Registered {
    live().push(Entry::Folder(path.to_path_buf()));
    Registered(Entry::Folder(path.to_path_buf()))
}
