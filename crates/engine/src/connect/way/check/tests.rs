use super::super::*;
use rstest::rstest;

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL of the test's own")
}

fn way() -> OAuthWay {
    OAuthWay {
        server: Server::Endpoints(Box::new(Endpoints {
            issuer: None,
            authorization: Some(url("https://auth.example.com/authorize")),
            token: url("https://auth.example.com/token"),
            revocation: None,
            device_authorization: None,
        })),
        grant: Grant::Code {
            back: WayBack::Loopback,
            pkce: Pkce::Required,
        },
        client_auth: ClientAuth::Post,
        client_id: None,
        scopes: vec!["read".into()],
        scope_style: ScopeStyle::default(),
        authorize: BTreeMap::new(),
        token: TokenQuirks::default(),
        revocation: Revocation::default(),
        identity: None,
        service: Service::Api {
            base_url: url("https://api.example.com/v1"),
            ping: Ping {
                method: Method::Get,
                path: "/me".into(),
                body: None,
                statuses: BTreeMap::new(),
                verdict: None,
            },
        },
    }
}

fn field(way: OAuthWay) -> Option<&'static str> {
    Way::OAuth(Box::new(way))
        .check()
        .err()
        .map(|(field, _)| field)
}

#[test]
fn a_plain_way_passes() {
    assert_eq!(field(way()), None);
}

#[test]
fn a_way_comes_back_from_json_as_it_was() {
    let way = Way::OAuth(Box::new(way()));
    let json = serde_json::to_string(&way).expect("a way can be written");
    assert_eq!(serde_json::from_str::<Way>(&json).ok(), Some(way), "{json}");
}

#[rstest]
#[case::http("http://auth.example.com/token")]
#[case::another_scheme("ftp://auth.example.com/token")]
#[case::password("https://me:secret@auth.example.com/token")]
fn an_endpoint_that_is_not_safe_is_refused_by_name(#[case] token: &str) {
    let mut way = way();
    if let Server::Endpoints(endpoints) = &mut way.server {
        endpoints.token = url(token);
    }
    assert_eq!(field(way), Some("token"));
}

#[test]
fn the_device_grant_needs_its_endpoint() {
    let mut way = way();
    way.grant = Grant::Device;
    assert_eq!(field(way), Some("device_authorization"));
}

#[rstest]
#[case("state")]
#[case("redirect_uri")]
#[case("scope")]
fn a_parameter_that_the_sign_in_sets_cannot_be_given(#[case] name: &str) {
    let mut way = way();
    way.authorize.insert(name.to_owned(), "mine".to_owned());
    assert_eq!(field(way), Some("authorize"));
}

#[test]
fn an_mcp_server_comes_back_by_loopback_alone() {
    let way = |back| {
        Way::Mcp(McpWay {
            url: url("https://mcp.example.com/mcp"),
            back,
            client_auth: None,
            scopes: vec![],
        })
    };
    let fixed = WayBack::LoopbackFixed {
        port: 3118,
        name: LoopbackName::Localhost,
    };
    assert_eq!(way(WayBack::Loopback).check(), Ok(()));
    assert_eq!(way(fixed).check(), Ok(()));
    assert!(way(WayBack::DeepLink).check().is_err());
}
