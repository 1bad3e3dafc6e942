//! Which cards are shown: by chip and by text.

use crate::parts::need::needs_admin;
use wire::{CardView, Kind};

/// A filter that is one click.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Chip {
    All,
    NeedsYou,
    Apis,
    McpServers,
}

impl Chip {
    pub const ALL: [Self; 4] = [Self::All, Self::NeedsYou, Self::Apis, Self::McpServers];

    /// Its label's key.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "chip-all",
            Self::NeedsYou => "needs-you",
            Self::Apis => "chip-apis",
            Self::McpServers => "chip-mcp",
        }
    }

    /// The key of what is said where it takes nothing.
    #[must_use]
    pub fn empty(self) -> &'static str {
        match self {
            Self::All => "nothing-connected",
            Self::NeedsYou => "nothing-needs-you",
            Self::Apis => "no-apis",
            Self::McpServers => "no-mcp",
        }
    }

    /// Whether it shows this card. The sample is an MCP server.
    #[must_use]
    pub fn takes(self, card: &CardView) -> bool {
        match self {
            Self::All => true,
            Self::NeedsYou => needs_admin(card),
            Self::Apis => card.kind == Kind::Api,
            Self::McpServers => matches!(card.kind, Kind::Mcp | Kind::Sample),
        }
    }
}

/// What a card is found by, in lower case: everything that stands on it.
#[must_use]
pub fn haystack(card: &CardView) -> String {
    let mut hay = String::new();
    let words = [&card.name, &card.slug, &card.address, &card.connected_by];
    for text in words.into_iter().chain(&card.account).chain(&card.can) {
        hay.push_str(text);
        hay.push('\n');
    }
    hay.push_str(&words::status(card.health.status));
    hay.to_lowercase()
}
