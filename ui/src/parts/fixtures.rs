//! One of each, as the engine would send it.

use wire::{
    AuthView, Because, Brand, BundleView, CardView, Category, Day, Effort, Error, ErrorCode, Fix,
    HealthView, Icon, IntegrationId, Kind, Outcome, ProviderView, Reason, RefusedManifest, Risk,
    RowKind, RowView, Time, ToolView, WayKind, WayView,
};

/// Sun 22 Nov 2026, 14:06:11 in Greenwich, where tests read the clock.
pub const NOW: Time = Time(1_795_356_371_000);

pub fn id(n: u32) -> IntegrationId {
    IntegrationId(uuid::Uuid::from_u128(
        0x0190_a5d0_ac96_774b_8cce_0000_0000_0000 + u128::from(n),
    ))
}

pub fn health(reason: Reason, fix: Option<Fix>) -> HealthView {
    HealthView {
        status: reason.status(),
        reason,
        fix,
        since: NOW.plus(-240_000),
        checked_at: Some(NOW.plus(-40_000)),
    }
}

pub fn card(name: &str) -> CardView {
    CardView {
        id: id(1),
        slug: "orders".into(),
        name: name.into(),
        kind: Kind::Api,
        icon: Icon {
            monogram: "O".into(),
            colour: 5,
            brand: None,
        },
        account: None,
        address: "api.example.com/v1".into(),
        health: health(Reason::Ok, None),
        enabled: true,
        connected_by: "Ada Lindqvist".into(),
        connected_at: NOW.plus(-40 * 86_400_000),
        last_used: None,
        auth: AuthView::Bearer,
        tools: 1,
        held: 0,
        can: vec!["call".into()],
        scopes: vec![],
        days: vec![Day::Healthy; 30],
        stale: false,
        crons: vec![],
    }
}

pub fn row(n: u32, outcome: Outcome) -> RowView {
    let failed = outcome == Outcome::Failed;
    RowView {
        id: id(n).0,
        at: NOW.plus(-i64::from(n) * 60_000),
        kind: RowKind::Call,
        integration: Some(id(1)),
        integration_name: "Orders".into(),
        action: "orders.call".into(),
        outcome,
        took_ms: Some(182),
        error: failed.then(|| {
            Error::new(ErrorCode::Unreachable)
                .with("host", "api.example.com")
                .with("why", "timed out")
        }),
        detail: String::new(),
        because: Because::Admin {
            name: "Ada Lindqvist".into(),
        },
    }
}

pub fn tool(name: &str, risk: Risk) -> ToolView {
    ToolView {
        lacks: None,
        name: name.into(),
        title: None,
        description: "Deletes every note.\nThere is no way back.".into(),
        input_schema: "{\n  \"type\": \"object\"\n}".into(),
        risk,
        hash: "3fa9c01d".into(),
        policy: wire::PolicyView {
            default: wire::Choice::Ask,
            chosen: None,
            agents: vec![],
        },
        held: None,
    }
}

/// A provider with every kind of way but the device's.
pub fn provider(name: &str) -> ProviderView {
    let way = |id: &str, kind, effort, address: &str| WayView {
        id: id.into(),
        kind,
        label: None,
        effort,
        address: address.into(),
        steps: vec![],
        page: None,
    };
    ProviderView {
        id: name.to_lowercase(),
        name: name.into(),
        summary: "Payments, customers, invoices and subscriptions".into(),
        category: Category::Payments,
        search: vec!["refunds".into(), "money".into()],
        icon: Icon {
            monogram: "S".into(),
            colour: 1,
            brand: Some(Brand {
                picture: Some("stripe".into()),
                ground: "#635bff".into(),
            }),
        },
        verified: false,
        added: false,
        ways: vec![
            way("mcp", WayKind::Mcp, Effort::OneClick, "mcp.stripe.com"),
            WayView {
                page: Some("https://dashboard.stripe.com/apikeys".into()),
                steps: vec!["Make a restricted key.".into()],
                ..way("key", WayKind::Key, Effort::Key, "mcp.stripe.com")
            },
            WayView {
                steps: vec!["Make an app.".into(), "Copy its client ID here.".into()],
                ..way(
                    "oauth",
                    WayKind::OAuth,
                    Effort::NeedsApp,
                    "connect.stripe.com",
                )
            },
        ],
        bundles: vec![
            BundleView {
                id: "read".into(),
                says: "Read charges".into(),
                scopes: vec!["charges:read".into()],
                default: true,
                tools: vec!["call".into()],
            },
            BundleView {
                id: "write".into(),
                says: "Refund charges".into(),
                scopes: vec!["charges:write".into()],
                default: false,
                tools: vec!["call".into()],
            },
        ],
        notes: vec!["An admin must allow it first.".into()],
    }
}

pub fn refused() -> RefusedManifest {
    RefusedManifest {
        file: "acme.toml".into(),
        line: Some(14),
        why: "the host 127.0.0.1 is not a public one".into(),
    }
}
