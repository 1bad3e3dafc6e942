//! Every way of every built-in manifest, gone its whole life at an acted provider that holds the engine
//! to what the manifest says: connect, identify, ping, refresh, insufficient scope, revoked, reconnect,
//! disconnect. (It tests the engine, not the manifests' truth.)

use crate::{
    kit::{
        Home,
        acted::{Acted, every_way},
        browser,
        odd::lock,
        search, tick,
    },
    ways::link_of,
};
use anyhow::{Context, Result, bail, ensure};
use engine::{
    Arrived,
    fakes::FakeClock,
    ports::Clock as _,
    providers::manifest::{ReturnBy, Way},
    vault::Credential,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc, time::Instant};
use wire::{
    AttemptId, AuthView, ErrorCode, Fix, IntegrationId, Phase, Question, Reason, Revocation, Status,
};

/// A case for each way. One that is missing here fails `every_way_of_the_app_is_walked`.
macro_rules! ways {
    ($($name:ident: $provider:literal $way:literal,)*) => {
        const WALKED: &[(&str, &str)] = &[$(($provider, $way)),*];
        $(
            #[tokio::test]
            async fn $name() -> Result<()> {
                walk($provider, $way).await
            }
        )*
    };
}
ways! {
    atlassian_by_its_mcp_server: "atlassian" "mcp",
    cloudflare_by_its_mcp_server_for_workers: "cloudflare" "bindings",
    cloudflare_by_its_mcp_server_for_builds: "cloudflare" "builds",
    github_by_a_code: "github" "device",
    github_by_a_key_for_its_mcp_server: "github" "key",
    github_by_sign_in: "github" "oauth",
    gitlab_by_its_mcp_server: "gitlab" "mcp",
    gitlab_by_sign_in: "gitlab" "oauth",
    google_by_sign_in: "google" "oauth",
    hubspot_by_sign_in: "hubspot" "oauth",
    linear_by_its_mcp_server: "linear" "mcp",
    microsoft_365_by_sign_in: "microsoft-365" "oauth",
    notion_by_its_mcp_server: "notion" "mcp",
    sentry_by_its_mcp_server: "sentry" "mcp",
    slack_by_sign_in: "slack" "oauth",
    slack_by_a_bots_key: "slack" "key",
    stripe_by_its_mcp_server: "stripe" "mcp",
    stripe_by_a_key_for_its_mcp_server: "stripe" "key",
}

#[test]
fn every_way_of_the_app_is_walked() -> Result<()> {
    let walked: BTreeSet<(String, String)> = WALKED
        .iter()
        .map(|(provider, way)| ((*provider).to_owned(), (*way).to_owned()))
        .collect();
    assert_eq!(walked, every_way()?, "each way has its case above");
    Ok(())
}

/// One way, on its own provider and in its own home.
struct Walk {
    acted: Acted,
    home: Home,
    clock: Arc<FakeClock>,
    way: String,
}

async fn walk(provider: &str, way: &str) -> Result<()> {
    let acted = Acted::start(provider, way).await?;
    let (home, clock) = Home::with_fake_clock().await?;
    acted.describe(home.folder())?;
    let list = home.ask::<wire::ListProviders>(json!({})).await?;
    assert_eq!(
        list.refused,
        [],
        "the manifest is the same but for its hosts"
    );
    let way = way.to_owned();
    let walk = Walk {
        acted,
        home,
        clock,
        way,
    };
    let walked = walk.whole_life().await;
    let complaints = walk.acted.complaints();
    ensure!(
        complaints.is_empty(),
        "asked otherwise than the manifest says: {complaints:?}, {walked:?}"
    );
    walked
}

impl Walk {
    async fn whole_life(&self) -> Result<()> {
        self.save_app().await?;
        let id = self.connect().await?;
        self.identify(id).await?;
        self.ping(id).await?;
        self.refresh(id).await?;
        let asked = self.lacks_a_scope(id).await?;
        self.revoked(id).await?;
        self.reconnect(id, asked).await?;
        self.other_person(id).await?;
        self.disconnect(id).await?;
        let found = search::search_folder(self.home.folder(), &self.acted.needles()?)?;
        ensure!(found.is_empty(), "secrets lie in the clear: {found:?}");
        Ok(())
    }

    /// Without the company's app nothing is opened; then it is there.
    async fn save_app(&self) -> Result<()> {
        match &self.acted.state.way {
            Way::Oauth(_) | Way::Device(_) => {}
            Way::Mcp(_) | Way::Key(_) => return Ok(()),
        }
        let attempt = self.home.begin(self.target("")).await?;
        let refused = self.home.fails(attempt).await?;
        assert_eq!(refused.code, ErrorCode::OauthNoRegistration);
        let (id, secret, auth) = self.acted.app();
        self.home
            .ask::<wire::SaveAppCredentials>(json!({
                "owner": { "owner": "provider", "id": self.acted.id() },
                "client_id": id, "client_secret": secret, "client_auth": auth,
            }))
            .await?;
        Ok(())
    }

    /// With what is chosen at first.
    fn target(&self, key: &str) -> Value {
        let bundles: Vec<&str> = self.default_bundles().map(|(id, _)| id).collect();
        json!({
            "kind": "provider", "provider": self.acted.id(), "way": self.way,
            "bundles": bundles, "key": key, "name": "",
        })
    }

    fn default_bundles(&self) -> impl Iterator<Item = (&str, &Vec<String>)> {
        let bundles = self.acted.state.manifest.bundles.iter();
        bundles
            .filter(|bundle| bundle.default)
            .map(|bundle| (bundle.id.get_ref().as_str(), &bundle.scopes))
    }

    /// What the way asks for at first, as the provider expects it.
    fn least(&self) -> Vec<String> {
        match &self.acted.state.way {
            // The server's own challenge names it.
            Way::Mcp(_) => vec!["acted:read".to_owned()],
            Way::Key(_) => vec![],
            Way::Oauth(_) | Way::Device(_) => {
                let chosen = self.default_bundles().flat_map(|(_, scopes)| scopes);
                let always = &self.acted.state.manifest.scopes.always;
                let all: BTreeSet<String> = always.iter().chain(chosen).cloned().collect();
                all.into_iter().collect()
            }
        }
    }

    fn expect(&self, scopes: &[String]) {
        let sorted: BTreeSet<String> = scopes.iter().cloned().collect();
        *lock(&self.acted.state.expects) = sorted.into_iter().collect();
    }

    fn is_key(&self) -> bool {
        matches!(self.acted.state.way, Way::Key(_))
    }

    /// A key that the provider has just made; none where the way takes none.
    fn key(&self) -> String {
        if !self.is_key() {
            return String::new();
        }
        let key = search::canary("key");
        lock(&self.acted.state.keys).insert(key.clone());
        key
    }

    async fn connect(&self) -> Result<IntegrationId> {
        self.expect(&self.least());
        if self.is_key() {
            let refused = self.home.begin(self.target("a wrong key")).await?;
            assert_eq!(self.home.fails(refused).await?.code, ErrorCode::Rejected);
        }
        let attempt = self.home.begin(self.target(&self.key())).await?;
        self.come_back(attempt).await?;
        self.home.done(attempt).await.context("to connect")
    }

    /// The person's part: what the browser, or another screen, does.
    async fn come_back(&self, attempt: AttemptId) -> Result<()> {
        match &self.acted.state.way {
            Way::Key(_) => Ok(()),
            Way::Device(_) => self.types_the_code(attempt).await,
            Way::Oauth(way) if way.return_by.first() == Some(&ReturnBy::DeepLink) => {
                let link = link_of(&self.home, attempt).await?;
                let arrived = self.home.engine.deep_link(&link).await?;
                assert_eq!(arrived, Arrived::Taken, "the link that carries the code");
                Ok(())
            }
            Way::Mcp(_) | Way::Oauth(_) => {
                let link = self.home.waits_for_browser(attempt).await?;
                let callback = browser::to_callback(&link).await?;
                let (status, page) = browser::look(&callback).await?;
                ensure!(status == 200, "the callback's page: {status} {page}");
                Ok(())
            }
        }
    }

    /// The code is shown, and the provider asked at its pace.
    async fn types_the_code(&self, attempt: AttemptId) -> Result<()> {
        let began = Instant::now();
        let mut shown = false;
        loop {
            let view = self
                .home
                .ask::<wire::GetAttempt>(json!({ "id": attempt }))
                .await?;
            match view.phase {
                Phase::WaitingForCode { code, .. } => {
                    assert_eq!(code, "WDJB-MJHT");
                    shown = true;
                    self.clock.advance(1_000);
                }
                Phase::Checking if !shown => {}
                _ if shown => return Ok(()),
                other => bail!("no code is shown: {other:?}"),
            }
            tick(began, "the code to be taken").await?;
        }
    }

    /// The account is on the card, where the manifest says how it is learned, and is known again.
    async fn identify(&self, id: IntegrationId) -> Result<()> {
        let state = &self.acted.state;
        let card = self.home.card(id).await?;
        assert_eq!(card.name, *state.manifest.name.get_ref());
        assert_eq!(card.health.status, Status::Healthy);
        assert_eq!(
            matches!(card.auth, AuthView::OAuth { renews: true, .. }),
            !self.is_key()
        );
        let identity = state.manifest.identity.as_ref();
        let Some(identity) = identity.filter(|_| state.mcp().is_none()) else {
            assert_eq!(card.account, None, "nobody says whose it is");
            return Ok(());
        };
        let label = match &identity.label {
            Some(_) => "Person 1042",
            None => "1042",
        };
        assert_eq!(card.account.as_deref(), Some(label));
        let granted: BTreeSet<&str> = card
            .scopes
            .iter()
            .filter(|scope| scope.granted)
            .map(|scope| scope.name.as_str())
            .collect();
        let least = self.least();
        assert_eq!(granted, least.iter().map(String::as_str).collect());
        assert!(
            card.scopes.iter().all(|scope| scope.granted),
            "{:?}",
            card.scopes
        );

        let again = self.home.begin(self.target(&self.key())).await?;
        self.come_back(again).await?;
        let same = self.question(again).await?;
        assert!(
            matches!(same, Question::Duplicate { existing, same_account: true, .. } if existing == id),
            "{same:?}"
        );
        self.home
            .ask::<wire::CancelAttempt>(json!({ "id": again }))
            .await?;
        Ok(())
    }

    async fn question(&self, attempt: AttemptId) -> Result<Question> {
        let began = Instant::now();
        loop {
            match self.home.rests(attempt).await? {
                Phase::Asking { question } => return Ok(question),
                Phase::WaitingForBrowser { .. } | Phase::WaitingForCode { .. } => {
                    tick(began, "the question").await?;
                }
                other => bail!("the attempt stands at {other:?}"),
            }
        }
    }

    async fn ping(&self, id: IntegrationId) -> Result<()> {
        let report = self.home.test(id).await?;
        assert_eq!(report.error, None, "{report:?}");
        let state = &self.acted.state;
        let pinged = match (state.mcp(), &state.manifest.api) {
            (Some(url), _) => url.to_owned(),
            (None, Some(api)) => format!("{}{}", api.base_url.get_ref(), api.ping.path),
            (None, None) => bail!("it leads to nothing"),
        };
        ensure!(
            !self.acted.seen_at(&pinged).is_empty(),
            "nobody asked {pinged}"
        );
        self.deed(id).await.context("a call")?;
        Ok(())
    }

    /// What an agent does with it.
    async fn deed(&self, id: IntegrationId) -> Result<Value, wire::Error> {
        if self.acted.state.mcp().is_some() {
            return self.home.call(id, "greet", json!({ "name": "Ann" })).await;
        }
        let arguments = json!({ "method": "GET", "path": "/acted/deed" });
        self.home.call(id, "call", arguments).await
    }

    /// Before its end the token is renewed, once; the refresh token is kept or replaced as the
    /// provider does it, and its own end is known where the vendor documents one.
    async fn refresh(&self, id: IntegrationId) -> Result<()> {
        if self.is_key() {
            return Ok(());
        }
        let (before, old) = self.held(id).await?;
        let life = i64::try_from(self.acted.state.life_s())?;
        self.clock.advance(life * 1000 - 60_000);
        let report = self.home.test(id).await?;
        assert_eq!(report.error, None, "{report:?}");
        let (after, new) = self.held(id).await?;
        assert_ne!(before, after, "a fresh token");
        assert_eq!(old != new, self.acted.state.rotates(), "the refresh token");
        self.deed(id).await.context("a call with the fresh token")?;

        let tokens = self.acted.state.manifest.tokens.as_ref();
        if let Some(days) = tokens.and_then(|tokens| tokens.refresh_days) {
            let view = self
                .home
                .ask::<wire::GetIntegration>(json!({ "id": id }))
                .await?;
            let end = view.ends_at.context("the refresh token's own end")?;
            let left = end.since(self.clock.now());
            let whole = i64::from(days) * 86_400_000;
            ensure!(
                (whole - 3 * 86_400_000..=whole).contains(&left),
                "{left} ms are left of {whole}"
            );
        }
        Ok(())
    }

    /// The tokens that are held: access and refresh.
    async fn held(&self, id: IntegrationId) -> Result<(String, String)> {
        let Credential::OAuth(held) = self.home.held(id).await? else {
            bail!("it signed in")
        };
        let refresh = held.refresh.as_ref().context("a refresh token")?;
        Ok((held.access.reveal().to_owned(), refresh.reveal().to_owned()))
    }

    /// A call wants more than was granted: the tool's trouble alone, and Reconnect will ask for it.
    /// What was asked for by name.
    async fn lacks_a_scope(&self, id: IntegrationId) -> Result<String> {
        let manifest = &self.acted.state.manifest;
        let more = manifest.bundles.iter().find(|bundle| !bundle.default);
        let scope = more
            .filter(|_| self.acted.state.mcp().is_none())
            .and_then(|bundle| bundle.scopes.first())
            .map_or("acted:write", String::as_str);
        *lock(&self.acted.state.lacks) = Some(scope.to_owned());
        let refused = self.deed(id).await;
        let error = refused.err().context("the call is refused")?;
        assert_eq!(error.code, ErrorCode::Forbidden, "{error:?}");
        assert_eq!(error.args.get("scope").map(String::as_str), Some(scope));
        let card = self.home.card(id).await?;
        assert_eq!(card.health.status, Status::Healthy, "{:?}", card.health);
        assert_eq!(self.home.test(id).await?.error, None);
        *lock(&self.acted.state.lacks) = None;
        Ok(scope.to_owned())
    }

    /// The person ends it on the provider's page: no call goes out any more, and the one button is the
    /// right one.
    async fn revoked(&self, id: IntegrationId) -> Result<()> {
        self.acted.end_all();
        let report = self.home.test(id).await?;
        assert!(
            matches!(report.health.reason, Reason::Rejected { .. }),
            "{report:?}"
        );
        let fix = if self.is_key() {
            Fix::PasteKey
        } else {
            Fix::Reconnect
        };
        assert_eq!(report.health.fix, Some(fix));
        let refused = self.deed(id).await.err().context("nothing goes out")?;
        assert_eq!(refused.code, ErrorCode::IntegrationFailing);
        Ok(())
    }

    async fn begin_again(&self, id: IntegrationId) -> Result<AttemptId, wire::Error> {
        let key = self.is_key().then(|| self.key());
        self.home.begin_again(id, key.as_deref()).await
    }

    /// The same card is well again, with the union of scopes.
    async fn reconnect(&self, id: IntegrationId, asked: String) -> Result<()> {
        let mut union = self.least();
        union.push(asked);
        self.expect(&union);
        let attempt = self.begin_again(id).await?;
        self.come_back(attempt).await?;
        let same = self.home.done(attempt).await.context("to reconnect")?;
        assert_eq!(same, id);
        assert_eq!(self.home.card(id).await?.health.status, Status::Healthy);
        self.deed(id).await.context("a call after it")?;
        Ok(())
    }

    /// Somebody else signs in: said by name, and not taken.
    async fn other_person(&self, id: IntegrationId) -> Result<()> {
        let state = &self.acted.state;
        if state.manifest.identity.is_none() || state.mcp().is_some() {
            return Ok(());
        }
        *lock(&state.person) = 2042;
        let attempt = self.begin_again(id).await?;
        self.come_back(attempt).await?;
        let asked = self.question(attempt).await?;
        assert!(matches!(asked, Question::OtherAccount { .. }), "{asked:?}");
        self.home
            .ask::<wire::CancelAttempt>(json!({ "id": attempt }))
            .await?;
        *lock(&state.person) = 1042;
        assert_eq!(
            self.home.test(id).await?.error,
            None,
            "the first one stands"
        );
        Ok(())
    }

    /// Gone here, and at the provider where the manifest says how.
    async fn disconnect(&self, id: IntegrationId) -> Result<()> {
        let revocable = match &self.acted.state.way {
            Way::Mcp(_) => true,
            Way::Oauth(way) => way.revocation.is_some(),
            Way::Device(_) | Way::Key(_) => false,
        };
        let ended = self.home.disconnect(id).await?;
        if revocable {
            assert!(
                matches!(ended.revocation, Revocation::Done { .. }),
                "{:?}",
                ended.revocation
            );
            let (access, refresh) = (self.acted.anything_lives(), "no token lives on");
            assert!(!access, "{refresh}");
        } else {
            assert_eq!(ended.revocation, Revocation::NotOffered);
        }
        assert_eq!(self.home.cards().await?.len(), 0);
        Ok(())
    }
}
