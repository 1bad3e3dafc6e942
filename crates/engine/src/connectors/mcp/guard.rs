//! What of an MCP server looks at the credential. Some let anybody greet, ping and list, and ask only
//! who calls: there a ping that goes well proves nothing.

use super::{Connection, Mcp, PATIENCE, Trouble, carrier};
use crate::{
    connectors::{Caller, sent::Key},
    http::{Http, Reach},
};
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, DiscoverRequest, DiscoverRequestParams,
    ErrorCode as Rpc, PingRequest,
};
use serde::{Deserialize, Serialize};
use url::Url;
use wire::{Error, ErrorCode};

/// The tool that is called to be asked who calls: no server has one of this name, so nothing happens.
const NO_TOOL: &str = "chief_integrations_asks_who_it_is";

/// How far a ping proves the credential; found out once, when it is connected.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// A ping without the credential is refused, or that is not known.
    #[default]
    Ping,
    /// Anybody may ping; a call without the credential is refused, also of a tool that is not there.
    Calls,
    /// Anybody may do both: only a real call proves it.
    Nothing,
}

/// Tries a ping and the harmless call without any credential. Leaves no session behind. What cannot be
/// found out counts as guarded.
pub async fn guard(http: &Http, reach: &Reach, url: &Url) -> Guard {
    let mcp = Mcp::new(http.clone(), reach.clone(), url.clone());
    let Ok(connection) = Connection::open(&mcp, mcp.carrier()).await else {
        return Guard::Ping;
    };
    let found = match connection.greet(&mcp, &Key::none()).await {
        Err(_) => Guard::Ping,
        Ok(()) => match connection.ask_who(&mcp, &Key::none()).await {
            Err(error) if matches!(error.code, ErrorCode::Rejected | ErrorCode::Forbidden) => {
                Guard::Calls
            }
            Ok(()) | Err(_) => Guard::Nothing,
        },
    };
    connection.end().await;
    found
}

impl Connection {
    /// What a ping asks, so that it proves the credential as far as it can.
    pub(super) async fn prove(&self, mcp: &Mcp, key: &Key) -> Result<(), Error> {
        self.greet(mcp, key).await?;
        match mcp.guard {
            Guard::Calls => self.ask_who(mcp, key).await,
            Guard::Ping | Guard::Nothing => Ok(()),
        }
    }

    /// `Rejected` where a call asks for a credential. Whatever else a call of no tool meets tells nothing of
    /// those that are there.
    pub(super) async fn lets_anybody_call(&self, mcp: &Mcp) -> Result<(), Error> {
        match self.ask_who(mcp, &Key::none()).await {
            Err(error) if error.code == ErrorCode::Rejected => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// `server/discover` in the newer era, `ping` in the older.
    async fn greet(&self, mcp: &Mcp, key: &Key) -> Result<(), Error> {
        let request = if self.is_newer() {
            ClientRequest::DiscoverRequest(DiscoverRequest::new(DiscoverRequestParams {}))
        } else {
            ClientRequest::PingRequest(PingRequest::default())
        };
        let answer = self.said(mcp, carrier::keyed(request, key)).await;
        let may_be_over = match &answer {
            // Perhaps it is of another era by now.
            Err(Trouble::Said(error)) => self.is_newer() || error.code != Rpc::METHOD_NOT_FOUND,
            // Perhaps it means the session, but for one that asks for a credential.
            Err(Trouble::Known(error)) if self.carrier.session().is_some() => {
                error.code == ErrorCode::BadAnswer
                    || error.code == ErrorCode::Rejected && self.carrier.challenge().is_none()
            }
            Err(Trouble::Known(_) | Trouble::Forgotten(_)) | Ok(()) => false,
        };
        if may_be_over {
            self.outdate();
        }
        match answer {
            // It knows the credential and answered, if only that it has no such method.
            Err(Trouble::Said(error)) if error.code == Rpc::METHOD_NOT_FOUND => Ok(()),
            other => other.map_err(|trouble| mcp.plain(trouble)),
        }
    }

    /// Calls a tool that is not there: whoever is let in is told so.
    async fn ask_who(&self, mcp: &Mcp, key: &Key) -> Result<(), Error> {
        let params = CallToolRequestParams::new(NO_TOOL.to_owned());
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let answer = self.said(mcp, carrier::keyed(request, key)).await;
        match answer {
            // Whatever it says of the tool, it let the caller in.
            Err(Trouble::Said(_)) => Ok(()),
            other => other.map_err(|trouble| mcp.plain(trouble)),
        }
    }

    /// True from 2026-07-28 on.
    pub(super) fn is_newer(&self) -> bool {
        !self.protocol.has_initialize()
    }

    async fn said(&self, mcp: &Mcp, request: ClientRequest) -> Result<(), Trouble> {
        let answer = self.ask(mcp, request, PATIENCE, &Caller::default()).await;
        answer.map(drop)
    }
}
