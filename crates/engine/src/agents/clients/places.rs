//! Where each client keeps its configuration, and in which form.

use std::{
    env,
    path::{Path, PathBuf},
};
use wire::Client;

/// How a client writes down its MCP servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A member of a JSON object, comments allowed.
    Json { servers: &'static str },
    /// A table of a TOML file.
    Toml { servers: &'static str },
}

/// One client's file.
pub(super) struct Place {
    pub file: PathBuf,
    pub form: Form,
    /// There where the client is installed.
    trace: PathBuf,
}

impl Place {
    pub fn is_installed(&self) -> bool {
        self.trace.exists()
    }
}

/// This user's folders.
pub(super) struct Places {
    pub home: Option<PathBuf>,
    /// Where programs keep their settings.
    pub settings: Option<PathBuf>,
    pub codex: Option<PathBuf>,
}

impl Places {
    pub fn of_this_user() -> Self {
        let folder = |name: &str| {
            let set = env::var_os(name).map(PathBuf::from);
            set.filter(|folder| folder.is_absolute())
        };
        let home = folder(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
        let in_home = |inside: &str| home.as_ref().map(|home| home.join(inside));
        let settings = if cfg!(windows) {
            folder("APPDATA")
        } else if cfg!(target_os = "macos") {
            in_home("Library/Application Support")
        } else {
            folder("XDG_CONFIG_HOME").or_else(|| in_home(".config"))
        };
        Self {
            codex: folder("CODEX_HOME").or_else(|| in_home(".codex")),
            settings,
            home,
        }
    }

    /// `None` where this system tells no such folder.
    pub fn of(&self, client: Client) -> Option<Place> {
        const MCP_SERVERS: Form = Form::Json {
            servers: "mcpServers",
        };
        let at = |base: &Option<PathBuf>, folder: &str, file: &str, form| {
            let trace = base.as_ref()?.join(folder);
            Some(Place {
                file: trace.join(file),
                form,
                trace,
            })
        };
        match client {
            // https://modelcontextprotocol.io/docs/develop/connect-local-servers
            Client::ClaudeDesktop => at(
                &self.settings,
                "Claude",
                "claude_desktop_config.json",
                MCP_SERVERS,
            ),
            // https://code.claude.com/docs/en/mcp: user scope
            Client::ClaudeCode => {
                let file = self.home.as_ref()?.join(".claude.json");
                Some(Place {
                    trace: file.clone(),
                    file,
                    form: MCP_SERVERS,
                })
            }
            // https://cursor.com/docs/context/mcp
            Client::Cursor => at(&self.home, ".cursor", "mcp.json", MCP_SERVERS),
            // https://code.visualstudio.com/docs/copilot/reference/mcp-configuration
            Client::VsCode => at(
                &self.settings,
                &Path::new("Code").join("User").display().to_string(),
                "mcp.json",
                Form::Json { servers: "servers" },
            ),
            // https://developers.openai.com/codex/mcp
            Client::Codex => {
                let folder = self.codex.clone()?;
                Some(Place {
                    file: folder.join("config.toml"),
                    form: Form::Toml {
                        servers: "mcp_servers",
                    },
                    trace: folder,
                })
            }
        }
    }
}
