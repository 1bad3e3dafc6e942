use rand::Rng as _;
use rmcp::{
    Json, ServerHandler,
    handler::server::{router::tool::ToolRouter, wrapper::Parameters},
    model::{Implementation, ServerCapabilities, ServerConfig},
    schemars::{self, JsonSchema},
    tool, tool_handler, tool_router,
};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

/// Notes kept by `keep_note`, until the app ends.
pub(super) type Notes = Arc<Mutex<Vec<String>>>;

/// Notes kept, at most; the oldest goes first.
const MAX_NOTES: usize = 100;

#[derive(Clone)]
pub(super) struct SampleTools {
    notes: Notes,
    router: ToolRouter<Self>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Echo {
    /// The text to send back.
    text: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Add {
    /// The numbers to add, at most a thousand.
    numbers: Vec<f64>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Sum {
    sum: f64,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Dice {
    /// How many dice: 1 to 100. One if left out.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    count: u32,
    /// Sides of each: 2 to 1000. Six if left out.
    #[serde(default = "six")]
    #[schemars(range(min = 2, max = 1000))]
    sides: u32,
}

fn one() -> u32 {
    1
}

fn six() -> u32 {
    6
}

#[derive(Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Rolled {
    /// Each die, in the order rolled.
    dice: Vec<u32>,
    sum: u32,
}

#[derive(Serialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Now {
    /// Milliseconds since 1970-01-01, UTC.
    unix_ms: u64,
    /// The same for people: `Sun, 22 Nov 2026 17:40:05 GMT`.
    text: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Quotes {
    /// Only quotes that hold this word. All of them if left out.
    #[serde(default)]
    about: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "schemars")]
struct Note {
    /// The note, at most 1000 characters.
    text: String,
}

const QUOTES: [(&str, &str); 6] = [
    (
        "Ada Lovelace",
        "That brain of mine is something more than merely mortal, as time will show.",
    ),
    (
        "Grace Hopper",
        "It is often easier to ask for forgiveness than to ask for permission.",
    ),
    (
        "Alan Turing",
        "We can only see a short distance ahead, but we can see plenty there that needs to be done.",
    ),
    (
        "Edsger Dijkstra",
        "Simplicity is prerequisite for reliability.",
    ),
    (
        "Blaise Pascal",
        "I have made this longer than usual because I have not had time to make it shorter.",
    ),
    (
        "Lao Tzu",
        "A journey of a thousand miles begins with a single step.",
    ),
];

#[tool_router]
impl SampleTools {
    pub(super) fn new(notes: Notes) -> Self {
        Self {
            notes,
            router: Self::tool_router(),
        }
    }

    /// Sends your text back unchanged. Good for a first try: it shows the whole way there and back.
    #[tool(
        name = "echo",
        annotations(title = "Echo", read_only_hint = true, open_world_hint = false)
    )]
    async fn echo(&self, Parameters(Echo { text }): Parameters<Echo>) -> String {
        text
    }

    /// Adds numbers and returns their sum.
    #[tool(
        name = "add",
        annotations(title = "Add numbers", read_only_hint = true, open_world_hint = false)
    )]
    async fn add(&self, Parameters(Add { numbers }): Parameters<Add>) -> Result<Json<Sum>, String> {
        if numbers.len() > 1_000 {
            return Err("at most a thousand numbers at once".to_owned());
        }
        Ok(Json(Sum {
            sum: numbers.iter().sum(),
        }))
    }

    /// Rolls dice and returns what each shows, and their sum. Different every time.
    #[tool(
        name = "roll_dice",
        annotations(title = "Roll dice", read_only_hint = true, open_world_hint = false)
    )]
    async fn roll_dice(
        &self,
        Parameters(Dice { count, sides }): Parameters<Dice>,
    ) -> Result<Json<Rolled>, String> {
        if !(1..=100).contains(&count) || !(2..=1_000).contains(&sides) {
            return Err("1 to 100 dice of 2 to 1000 sides".to_owned());
        }
        let dice: Vec<u32> = (0..count)
            .map(|_| rand::rng().random_range(1..=sides))
            .collect();
        Ok(Json(Rolled {
            sum: dice.iter().sum(),
            dice,
        }))
    }

    /// Tells the time of this computer, in UTC.
    #[tool(
        name = "current_time",
        annotations(title = "Current time", read_only_hint = true, open_world_hint = false)
    )]
    async fn current_time(&self) -> Json<Now> {
        let now = std::time::SystemTime::now();
        let since = now
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Json(Now {
            unix_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            text: httpdate::fmt_http_date(now),
        })
    }

    /// Lists a few well-known quotes, one a line, or those about one word.
    #[tool(
        name = "list_quotes",
        annotations(title = "List quotes", read_only_hint = true, open_world_hint = false)
    )]
    async fn list_quotes(&self, Parameters(Quotes { about }): Parameters<Quotes>) -> String {
        let word = about.unwrap_or_default().to_lowercase();
        let found: Vec<_> = QUOTES
            .iter()
            .filter(|(_, quote)| quote.to_lowercase().contains(&word))
            .map(|(who, quote)| format!("{quote} — {who}"))
            .collect();
        if found.is_empty() {
            "No quote about that.".to_owned()
        } else {
            found.join("\n")
        }
    }

    /// Keeps a short note in the app's memory and returns how many there are. All notes are gone
    /// when the app ends.
    #[tool(
        name = "keep_note",
        annotations(
            title = "Keep a note",
            read_only_hint = false,
            destructive_hint = false,
            open_world_hint = false
        )
    )]
    async fn keep_note(
        &self,
        Parameters(Note { text }): Parameters<Note>,
    ) -> Result<String, String> {
        if text.trim().is_empty() || text.chars().count() > 1_000 {
            return Err("a note is 1 to 1000 characters".to_owned());
        }
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() == MAX_NOTES {
            notes.remove(0);
        }
        notes.push(text);
        Ok(format!("Kept. Notes so far: {}.", notes.len()))
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for SampleTools {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_instructions(
                "A sample inside Chief Integrations: harmless tools to try things out with.",
            );
        info.server_info = Implementation::new("chief-sample", env!("CARGO_PKG_VERSION"));
        info.server_info.title = Some("Chief sample".to_owned());
        info
    }
}
