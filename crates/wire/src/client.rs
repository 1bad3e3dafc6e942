use serde::{Deserialize, Serialize};

/// A program that agents run in, whose configuration Chief can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Client {
    ClaudeDesktop,
    ClaudeCode,
    Cursor,
    VsCode,
    Codex,
}

impl Client {
    pub const ALL: [Self; 5] = [
        Self::ClaudeDesktop,
        Self::ClaudeCode,
        Self::Cursor,
        Self::VsCode,
        Self::Codex,
    ];

    /// As its maker writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "Claude Desktop",
            Self::ClaudeCode => "Claude Code",
            Self::Cursor => "Cursor",
            Self::VsCode => "VS Code",
            Self::Codex => "Codex",
        }
    }
}

/// One client on this computer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientView {
    pub client: Client,
    /// Its configuration's file, which need not be there yet.
    pub place: String,
    /// What Chief wrote there last can be taken back.
    pub undo: bool,
}

/// What became of a client's file when Chief was taken out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientUndone {
    /// It is as it was before.
    PutBack,
    /// Others have written there since: Chief's entry was taken out, and all else stays.
    EntryTaken,
}

/// What would be written, before it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientEdit {
    pub client: Client,
    pub place: String,
    /// The lines that go and come; the token and whatever else is secret is covered.
    pub lines: Vec<EditLine>,
    /// Lines that stay as they are.
    pub kept: u32,
    /// What the file is now, for [`crate::AddToClient`].
    pub seen: String,
}

/// One line of an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditLine {
    pub added: bool,
    pub text: String,
}
