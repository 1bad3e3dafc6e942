//! The least that a gateway of this library costs: rmcp's server handing calls to rmcp's client, and
//! nothing else. No agent is known, nothing is looked up, nothing is written down.

use anyhow::{Context, Result};
use axum::Router;
use rmcp::{
    ErrorData, RoleClient, RoleServer, ServerHandler, ServiceExt as _,
    model::{
        CallToolRequestParams, CallToolResponse, ClientConfig, ServerCapabilities, ServerConfig,
    },
    service::{Peer, RequestContext},
    transport::{
        StreamableHttpClientTransport,
        streamable_http_server::{
            StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
        },
    },
};
use serde_json::json;
use std::{net::Ipv4Addr, sync::Arc};

#[derive(Clone)]
struct Hop(Peer<RoleClient>);

impl ServerHandler for Hop {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        mut params: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        // The load calls it by the gateway's name for it.
        params.name = "echo".into();
        params.meta = None;
        let result = self.0.call_tool(params).await;
        result
            .map(CallToolResponse::from)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }
}

pub async fn serve(far: &str) -> Result<()> {
    let client = ClientConfig::default()
        .serve(StreamableHttpClientTransport::from_uri(far))
        .await
        .context("the far side")?;
    let hop = Hop(client.peer().clone());
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_keep_alive(None);
    let service: StreamableHttpService<Hop, NeverSessionManager> =
        StreamableHttpService::new(move || Ok(hop.clone()), Arc::default(), config);
    println!(
        "{}",
        json!({ "url": format!("http://{address}/mcp"), "token": "none" })
    );
    axum::serve(listener, Router::new().fallback_service(service)).await?;
    Ok(())
}
