use super::*;
use proptest::prelude::*;

/// Any text, of any characters, short or up to 64 KiB.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => any::<String>(),
        1 => (any::<char>(), 1_usize..16_384).prop_map(|(c, n)| c.to_string().repeat(n)),
        1 => Just("\0\"\\\u{7f}\u{2028}".repeat(8_000)),
    ]
}

fn signed_in(texts: &[String; 9], given: [bool; 6], scopes: Vec<String>, at: i64) -> Credential {
    let [
        issuer,
        token_endpoint,
        client_id,
        url,
        uri,
        resource,
        a,
        b,
        c,
    ] = texts.clone();
    let [
        has_url,
        has_uri,
        has_resource,
        has_secret,
        has_registration,
        has_refresh,
    ] = given;
    Credential::OAuth(Box::new(OAuthCredential {
        issuer,
        token_endpoint,
        revocation_endpoint: has_url.then_some(url),
        client_id,
        client_secret: has_secret.then(|| Secret::new(a.clone())),
        client_auth: if has_secret {
            ClientAuth::Post
        } else {
            ClientAuth::None
        },
        registration_token: has_registration.then(|| Secret::new(b.clone())),
        registration_uri: has_uri.then_some(uri),
        resource: has_resource.then_some(resource),
        requested_scopes: scopes.iter().rev().cloned().collect(),
        scopes,
        access: Secret::new(c),
        received_at: Time(at),
        expires_at: has_url.then_some(Time(at.wrapping_add(1))),
        refresh: has_refresh.then(|| Secret::new(b + &a)),
        refresh_expires_at: has_uri.then_some(Time(at.wrapping_sub(1))),
        manner: crate::oauth::Manner::default(),
    }))
}

/// Whether two credentials hold the same, field by field. (The type itself cannot be printed.)
fn same(a: &Credential, b: &Credential) -> bool {
    match (a, b) {
        (Credential::None, Credential::None) => true,
        (Credential::Bearer { token: a }, Credential::Bearer { token: b }) => a == b,
        (Credential::Header { name, value }, Credential::Header { name: n, value: v })
        | (Credential::Query { name, value }, Credential::Query { name: n, value: v }) => {
            name == n && value == v
        }
        (
            Credential::Basic { user, password },
            Credential::Basic {
                user: u,
                password: p,
            },
        ) => user == u && password == p,
        (Credential::OAuth(a), Credential::OAuth(b)) => {
            a.issuer == b.issuer
                && a.token_endpoint == b.token_endpoint
                && a.revocation_endpoint == b.revocation_endpoint
                && a.client_id == b.client_id
                && a.client_secret == b.client_secret
                && a.client_auth == b.client_auth
                && a.registration_token == b.registration_token
                && a.registration_uri == b.registration_uri
                && a.resource == b.resource
                && a.scopes == b.scopes
                && a.requested_scopes == b.requested_scopes
                && a.access == b.access
                && a.received_at == b.received_at
                && a.expires_at == b.expires_at
                && a.refresh == b.refresh
                && a.refresh_expires_at == b.refresh_expires_at
        }
        (_, _) => false,
    }
}

fn comes_back(credential: &Credential) -> bool {
    let bytes = credential.to_bytes().expect("below the limit");
    Credential::from_bytes(&bytes).is_some_and(|again| same(credential, &again))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn keys_and_passwords_come_back_whole(name in text(), value in text()) {
        let secret = Secret::new(value);
        for credential in [
            Credential::None,
            Credential::Bearer { token: secret.clone() },
            Credential::Header { name: name.clone(), value: secret.clone() },
            Credential::Query { name: name.clone(), value: secret.clone() },
            Credential::Basic { user: name.clone(), password: secret },
        ] {
            prop_assert!(comes_back(&credential));
        }
    }

    #[test]
    fn sign_ins_come_back_whole(
        texts in prop::array::uniform9(text()),
        given in any::<[bool; 6]>(),
        scopes in prop::collection::vec(any::<String>(), 0..5),
        at in any::<i64>(),
    ) {
        prop_assert!(comes_back(&signed_in(&texts, given, scopes, at)));
    }

    #[test]
    fn other_bytes_are_no_credential(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Credential::from_bytes(&bytes).is_none());
    }
}

#[test]
fn more_than_the_limit_is_refused_and_a_newer_form_is_not_read() {
    let huge = Credential::Bearer {
        token: Secret::new("x".repeat(LIMIT)),
    };
    let refused = huge.to_bytes().err().map(|error| error.code);
    assert_eq!(refused, Some(ErrorCode::FieldInvalid));
    let mut bytes = Credential::None.to_bytes().expect("it is small");
    assert!(Credential::from_bytes(&bytes).is_some());
    bytes[0] += 1;
    assert!(Credential::from_bytes(&bytes).is_none());
}

#[test]
fn what_may_be_shown_names_scopes_ends_and_the_place_to_revoke_and_no_secret() {
    let texts = [
        "https://as.example",
        "t",
        "id",
        "https://as.example/revoke?x=1",
        "u",
        "r",
        "CANARY-a",
        "CANARY-b",
        "CANARY-c",
    ]
    .map(str::to_owned);
    let mut credential = signed_in(&texts, [true; 6], vec!["read".into()], 1_000);
    if let Credential::OAuth(oauth) = &mut credential {
        oauth.requested_scopes = vec!["read".into(), "write".into(), "offline_access".into()];
    }
    let about = credential.about();
    assert_eq!(about.revokes_at.as_deref(), Some("as.example"));
    assert_eq!(
        about.auth,
        AuthView::OAuth {
            issuer: "https://as.example".into(),
            renews: true,
            ends_at: Some(Time(1_001)),
        }
    );
    let scopes: Vec<_> = about
        .scopes
        .iter()
        .map(|s| (s.name.as_str(), s.granted))
        .collect();
    assert_eq!(scopes, [("read", true), ("write", false)]);
    let shown = serde_json::to_string(&about).expect("it is plain data");
    assert!(!shown.contains("CANARY"), "{shown}");
}
