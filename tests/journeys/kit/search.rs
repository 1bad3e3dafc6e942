//! The search for secrets: a planted secret in six forms, in any bytes.

use aho_corasick::{AhoCorasick, MatchKind};
use anyhow::Result;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};
use url::form_urlencoded;

/// A secret that is nowhere else: unlike any other, with characters that each encoding changes
/// (RFC 6750 section 2.1 allows all of them in a token).
pub fn canary(what: &str) -> String {
    let kind: String = what.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{kind}~+/{}", uuid::Uuid::new_v4().simple())
}

/// Secrets to search for, each in every form that it may hide in. One pass finds them all.
pub struct Needles {
    automaton: AhoCorasick,
    /// Whose form each pattern is, and which.
    patterns: Vec<(String, &'static str)>,
}

impl Needles {
    /// Of (what it is, the secret).
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let (mut bytes, mut patterns) = (vec![], vec![]);
        for (what, secret) in secrets {
            // Shorter forms would be found by chance.
            for (form, hidden) in forms(secret)
                .into_iter()
                .filter(|(_, hidden)| hidden.len() >= 8)
            {
                bytes.push(hidden);
                patterns.push((what.to_owned(), form));
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(bytes)?;
        Ok(Self {
            automaton,
            patterns,
        })
    }

    /// What the bytes hold, in words.
    pub fn found_in(&self, bytes: &[u8]) -> BTreeSet<String> {
        self.automaton
            .find_iter(bytes)
            .filter_map(|found| self.patterns.get(found.pattern().as_usize()))
            .map(|(what, form)| format!("{what} ({form})"))
            .collect()
    }
}

fn forms(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let mut forms = vec![
        ("plain", bytes.to_vec()),
        ("hex", hex(bytes).into_bytes()),
        ("HEX", hex(bytes).to_uppercase().into_bytes()),
        (
            "escaped for a URL",
            form_urlencoded::byte_serialize(bytes)
                .collect::<String>()
                .into_bytes(),
        ),
        (
            "UTF-16 LE",
            secret.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        (
            "UTF-16 BE",
            secret.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ),
        ("escaped for JSON", secret.replace('/', "\\/").into_bytes()),
    ];
    // Escaping leaves letters and digits alone, and a cut leaves some of them.
    let heart = secret
        .split(|c: char| !c.is_ascii_alphanumeric())
        .max_by_key(|run| run.len());
    if let Some(heart) = heart.filter(|heart| heart.len() >= 16) {
        forms.push(("in part", heart.as_bytes().to_vec()));
        forms.push((
            "in part, UTF-16 LE",
            heart.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ));
    }
    // In the middle of a longer text a secret has three shapes in base64, by where it starts.
    // Its first and last digits also hold bits of the neighbours, so those are left out.
    for lead in 0..3_usize {
        let mut text = vec![0_u8; lead];
        text.extend(bytes);
        let first = (lead * 8).div_ceil(6);
        let last = text.len() * 8 / 6;
        for (name, form) in [
            ("base64", STANDARD_NO_PAD.encode(&text)),
            ("base64url", URL_SAFE_NO_PAD.encode(&text)),
        ] {
            forms.push((
                name,
                form.as_bytes()
                    .get(first..last)
                    .unwrap_or_default()
                    .to_vec(),
            ));
        }
    }
    forms
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Where each needle is found in these bytes, in words.
pub fn search(place: &str, bytes: &[u8], needles: &Needles) -> Vec<String> {
    needles
        .found_in(bytes)
        .into_iter()
        .map(|found| format!("{found} in {place}"))
        .collect()
}

/// The same for every file below a folder, and the files' names.
pub fn search_folder(folder: &Path, needles: &Needles) -> Result<Vec<String>> {
    let mut found = vec![];
    for file in files(folder)? {
        let place = file
            .strip_prefix(folder)
            .unwrap_or(&file)
            .display()
            .to_string();
        found.extend(search(
            &format!("the file name {place}"),
            place.as_bytes(),
            needles,
        ));
        // A socket, such as the door of the `chief` command, has nothing to read.
        if file.metadata().is_ok_and(|found| !found.is_file()) {
            continue;
        }
        match fs::read(&file) {
            Ok(bytes) => found.extend(search(&place, &bytes, needles)),
            // Written beside what it has taken the place of meanwhile, which is searched as well.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// The same for the arguments of every process that runs now.
pub fn search_arguments(needles: &Needles) -> Result<Vec<String>> {
    let mut found = vec![];
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path().join("cmdline");
        // Not a process, or one that has just ended.
        let Ok(bytes) = fs::read(&path) else { continue };
        found.extend(search(&path.display().to_string(), &bytes, needles));
    }
    Ok(found)
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = vec![];
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            all.extend(files(&entry.path())?);
        } else {
            all.push(entry.path());
        }
    }
    Ok(all)
}
