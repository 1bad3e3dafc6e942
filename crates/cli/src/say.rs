//! What is printed: sentences are `words`', tables are plain, and text of servers is inert already.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};
use words::{text, with};

/// Why a command could not be done.
pub enum Failure {
    /// The system tells no folder of this user's.
    NoFolder,
    /// Nobody opens the door.
    NoApp(PathBuf),
    /// Whoever opened it is another user.
    NotOurs(PathBuf),
    /// The app ended while it was asked.
    AppEnded,
    /// It said no.
    Said(wire::Error),
    /// It answered what this program does not understand.
    Unreadable,
    /// No token was handed over.
    NoToken,
    /// The file of the token can be read by others, or not at all.
    TokenFile(PathBuf, String),
    /// Nothing is called so.
    Unknown(String),
    /// The request that was typed is not JSON.
    NotJson,
    Io(io::Error),
}

impl Failure {
    pub fn sentence(&self) -> String {
        match self {
            Self::NoFolder => text("cli-no-folder"),
            Self::NoApp(door) => with("cli-no-app", &[("place", &door.display().to_string())]),
            Self::NotOurs(door) => with("cli-not-ours", &[("place", &door.display().to_string())]),
            Self::AppEnded => text("cli-app-ended"),
            Self::Said(error) => words::error(error),
            Self::Unreadable => text("cli-unreadable"),
            Self::NoToken => text("cli-no-token"),
            Self::TokenFile(file, why) => with(
                "cli-token-file",
                &[("place", &file.display().to_string()), ("why", why)],
            ),
            Self::Unknown(name) => with("cli-unknown", &[("name", name)]),
            Self::NotJson => text("cli-not-json"),
            Self::Io(error) => error.to_string(),
        }
    }

    pub fn code(&self) -> u8 {
        match self {
            Self::NoFolder | Self::NoApp(_) | Self::NotOurs(_) | Self::AppEnded => crate::NO_APP,
            Self::Said(_)
            | Self::Unreadable
            | Self::NoToken
            | Self::TokenFile(..)
            | Self::Unknown(_)
            | Self::NotJson
            | Self::Io(_) => crate::NOT_WELL,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// One line; whoever reads may have gone, as `head` does.
pub fn line(text: &str) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// What the app answered, for programs.
pub fn json(value: &serde_json::Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|_| Failure::Unreadable)?;
    line(&text)
}

/// Columns as wide as their widest cell; no blanks at the ends.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_it_must_be() {
        let rows = [["a", "bb", "c"], ["long", "b", ""]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "a     bb  c\nlong  b");
        assert_eq!(table(&[]), "");
    }
}
