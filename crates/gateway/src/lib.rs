//! The local MCP server: agents list and call the tools of every healthy integration through it, and
//! never see a credential.
//!
//! Owns: two doors, HTTP on this computer's own addresses (`listen`, `guard`, `incoming`) and a socket
//! that only this user can open (`door`), for the `chief` command; what tools are called on the wire
//! (`names`), search where there are many (`search`), an agent's own crons (`crons`), news that the tools have changed (`news`), what schemas say (`schema`, kept by `shown`), the protocol (`server`). Must not know:
//! credentials, how an upstream is spoken to, or any window. Both MCP eras are served, 2026-07-28 and
//! 2025-11-25, request by request.

mod crons;
mod described;
mod door;
mod guard;
mod incoming;
mod listen;
mod names;
mod news;
mod plain;
mod progress;
mod running;
mod schema;
mod search;
mod seat;
mod server;
mod shown;
mod task;
mod turns;

use engine::{Engine, local};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};
use wire::GatewayView;

/// Where agents find the gateway, in every run: their configuration names it. The admin may set another.
pub const PORT: u16 = 7317;
/// Bytes of one message of an agent, at most.
const BODY_MAX: usize = wire::DOOR_LINE_MAX;
/// How often a port that somebody else has is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// What both doors lead to. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Inside {
    engine: Engine,
    turns: turns::Turns,
    running: running::Running,
    shown: shown::Shown,
}

/// The running gateway; it closes when dropped.
pub struct Gateway {
    _closes: DropGuard,
}

impl Gateway {
    /// As [`Gateway::start`], with agents' calls in a thread of their own. A runtime of several threads hands
    /// a call from one to another at each of its steps, which costs a quarter of all that the call does
    /// (`cargo xtask bench`).
    #[must_use]
    pub fn start_apart(engine: Engine, port: u16) -> Self {
        let apart = thread();
        if let Err(error) = &apart {
            tracing::warn!(%error, "agents' calls share the threads of everything else");
        }
        let _there = apart.as_ref().ok().map(Handle::enter);
        Self::start(engine, port)
    }

    /// Opens both doors: the user's own, and HTTP on 127.0.0.1 and ::1 at the port that the admin has
    /// set, else at `port` (0: one that the system chooses, for tests), now or as soon as it is free; tells
    /// the engine how it stands. Never at another port: whoever has taken this one could collect tokens
    /// there.
    #[must_use]
    pub fn start(engine: Engine, port: u16) -> Self {
        let close = CancellationToken::new();
        let inside = Inside {
            engine,
            turns: turns::Turns::default(),
            running: running::Running::default(),
            shown: shown::Shown::default(),
        };
        tokio::spawn(door::open(inside.clone(), close.clone()));
        let closes = close.clone().drop_guard();
        tokio::spawn(at_its_port(inside, port, close));
        Self { _closes: closes }
    }
}

/// A runtime of one thread, for as long as the process lives: what is under way there ends with the engine.
fn thread() -> std::io::Result<Handle> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("gateway".into())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}

/// HTTP, at the port that is set now, and anew where another is set.
async fn at_its_port(inside: Inside, first: u16, close: CancellationToken) {
    let engine = inside.engine.clone();
    let mut set = engine.gateway_port().await;
    loop {
        let port = set.borrow_and_update().unwrap_or(first);
        let here = close.child_token();
        let mut again = None;
        match local::bind(port).await {
            Ok(listeners) => listen::serve(&inside, listeners, &here),
            Err(error) => {
                tracing::warn!(%error, port, "the gateway's port cannot be had");
                engine.gateway_is(GatewayView::PortTaken { port });
                again = Some(AGAIN);
            }
        }
        let wait = async {
            match again {
                Some(again) => tokio::time::sleep(again).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = close.cancelled() => break,
            () = wait => {}
            changed = set.changed() => if changed.is_err() { close.cancelled().await },
        }
        here.cancel();
    }
    engine.gateway_is(GatewayView::Closed);
}
