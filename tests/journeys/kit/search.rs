//! The search for secrets: a planted secret in six forms, in any bytes.

use anyhow::Result;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// A secret that is nowhere else: unlike any other, with characters that each encoding changes
/// (RFC 6750 section 2.1 allows all of them in a token).
pub fn canary(what: &str) -> String {
    let kind: String = what.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{kind}~+/{}", uuid::Uuid::new_v4().simple())
}

/// One secret and the forms it may hide in.
pub struct Needle {
    pub what: String,
    forms: Vec<(&'static str, Vec<u8>)>,
}

impl Needle {
    pub fn new(what: &str, secret: &str) -> Self {
        let bytes = secret.as_bytes();
        let mut forms = vec![
            ("plain", bytes.to_vec()),
            ("hex", hex(bytes).into_bytes()),
            ("HEX", hex(bytes).to_uppercase().into_bytes()),
            (
                "escaped for a URL",
                url::form_urlencoded::byte_serialize(bytes)
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
        if let Some(heart) = secret
            .split(|c: char| !c.is_ascii_alphanumeric())
            .max_by_key(|run| run.len())
            && heart.len() >= 16
        {
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
        Self {
            what: what.to_owned(),
            forms,
        }
    }

    /// The form in which `bytes` hold it.
    pub fn found_in(&self, bytes: &[u8]) -> Option<&'static str> {
        self.forms
            .iter()
            .find(|(_, form)| form.len() >= 8 && contains(bytes, form))
            .map(|(name, _)| *name)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn contains(bytes: &[u8], form: &[u8]) -> bool {
    memchr::memmem::find(bytes, form).is_some()
}

/// Where each needle is found in these bytes, in words.
pub fn search(place: &str, bytes: &[u8], needles: &[Needle]) -> Vec<String> {
    needles
        .iter()
        .filter_map(|needle| {
            Some(format!(
                "{} in {place} ({})",
                needle.what,
                needle.found_in(bytes)?
            ))
        })
        .collect()
}

/// The same for every file below a folder, and the files' names.
pub fn search_folder(folder: &Path, needles: &[Needle]) -> Result<Vec<String>> {
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
        found.extend(search(&place, &fs::read(&file)?, needles));
    }
    Ok(found)
}

/// The same for the arguments of every process that runs now.
pub fn search_arguments(needles: &[Needle]) -> Result<Vec<String>> {
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
