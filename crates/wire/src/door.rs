use crate::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The folder of the door inside the app's data folder: only this user may enter it.
pub const DOOR_FOLDER: &str = "door";
/// In that folder: the socket; on Windows, a file that holds the name of the pipe of this run.
pub const DOOR_FILE: &str = "chief.sock";
/// Bytes of one line through the door, at most.
pub const DOOR_LINE_MAX: usize = 4 * 1024 * 1024;
/// What the bridge tells the app as a notification where an agent's line was longer: the line itself goes
/// nowhere.
pub const DOOR_TOO_LONG: &str = "notifications/app.chief.integrations/too_long";

/// The first line that a program writes into the app's door, which only this user can open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "want")]
pub enum Hello {
    /// MCP from here on, one message a line, as the agent whose token is the next line, by itself: a secret
    /// is in no type that can be written out.
    Mcp {
        /// The slug of one integration: its tools alone, un-prefixed.
        integration: Option<String>,
        /// The Slack thread that calls belong to where they name none.
        thread: Option<String>,
        /// The task, the same way.
        task: Option<String>,
    },
    /// [`DoorAsk`]s from here on, one a line, each answered by a [`DoorAnswer`]: as the admin, whom the
    /// system vouches for.
    Commands,
}

/// What a program asks through the door: a command of the table, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorAsk {
    /// As in `NAMES`; only those that read, and a test, are answered here.
    pub name: String,
    /// Its request.
    pub ask: Value,
}

/// The answer to a [`Hello`] (`Ok(null)`: come in) or to a [`DoorAsk`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoorAnswer {
    Ok(Value),
    Error(Error),
}
