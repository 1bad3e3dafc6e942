use super::{super::tests::always, *};
use proptest::prelude::*;
use rstest::rstest;
use std::sync::atomic::{AtomicBool, Ordering};

#[rstest]
// Public, by example and at the edges of what is not.
#[case("1.1.1.1", Place::Public)]
#[case("93.184.216.34", Place::Public)]
#[case("9.255.255.255", Place::Public)]
#[case("11.0.0.0", Place::Public)]
#[case("100.63.255.255", Place::Public)]
#[case("100.128.0.0", Place::Public)]
#[case("172.15.255.255", Place::Public)]
#[case("172.32.0.0", Place::Public)]
#[case("198.17.255.255", Place::Public)]
#[case("198.20.0.0", Place::Public)]
#[case("223.255.255.255", Place::Public)]
#[case("2606:4700:4700::1111", Place::Public)]
#[case("2a00:1450:4001::1", Place::Public)]
// This computer, private networks.
#[case("127.0.0.1", Place::Loopback)]
#[case("127.255.255.254", Place::Loopback)]
#[case("::1", Place::Loopback)]
#[case("10.9.8.7", Place::Private)]
#[case("172.16.0.1", Place::Private)]
#[case("172.31.255.255", Place::Private)]
#[case("192.168.1.1", Place::Private)]
#[case("fc00::1", Place::Private)]
#[case("fd12:3456::1", Place::Private)]
// Never.
#[case("0.0.0.0", Place::Never)]
#[case("0.1.2.3", Place::Never)]
#[case("100.64.0.1", Place::Never)]
#[case("100.100.100.200", Place::Never)]
#[case("100.127.255.255", Place::Never)]
#[case("168.63.129.16", Place::Never)]
#[case("169.254.0.1", Place::Never)]
#[case("169.254.169.254", Place::Never)]
#[case("192.0.0.192", Place::Never)]
#[case("192.0.2.1", Place::Never)]
#[case("192.88.99.1", Place::Never)]
#[case("198.18.0.1", Place::Never)]
#[case("198.19.255.255", Place::Never)]
#[case("198.51.100.1", Place::Never)]
#[case("203.0.113.1", Place::Never)]
#[case("224.0.0.1", Place::Never)]
#[case("239.255.255.250", Place::Never)]
#[case("240.0.0.1", Place::Never)]
#[case("255.255.255.255", Place::Never)]
#[case("::", Place::Never)]
#[case("100::1", Place::Never)]
#[case("2001::1", Place::Never)]
#[case("2001:20::1", Place::Never)]
#[case("2001:db8::1", Place::Never)]
#[case("3fff::1", Place::Never)]
#[case("4000::1", Place::Never)]
#[case("5f00::1", Place::Never)]
#[case("fd00:ec2::254", Place::Never)]
#[case("fd20:ce::254", Place::Never)]
#[case("fe80::1", Place::Never)]
#[case("fec0::1", Place::Never)]
#[case("ff02::1", Place::Never)]
// IPv4 inside IPv6: only where the inner one is public.
#[case("::ffff:1.1.1.1", Place::Public)]
#[case("64:ff9b::1.1.1.1", Place::Public)]
#[case("2002:101:101::1", Place::Public)]
#[case("::ffff:127.0.0.1", Place::Never)]
#[case("::ffff:10.9.8.7", Place::Never)]
#[case("::ffff:169.254.169.254", Place::Never)]
#[case("::127.0.0.1", Place::Never)]
#[case("::169.254.169.254", Place::Never)]
#[case("::ffff:0:127.0.0.1", Place::Never)]
#[case("64:ff9b::127.0.0.1", Place::Never)]
#[case("64:ff9b::169.254.169.254", Place::Never)]
#[case("64:ff9b:1::1", Place::Never)]
#[case("2002:7f00:1::1", Place::Never)]
#[case("2002:a9fe:a9fe::1", Place::Never)]
#[case("2606:4700::5efe:169.254.169.254", Place::Never)]
#[case("2606:4700::200:5efe:10.0.0.1", Place::Never)]
fn every_address_is_of_one_kind(#[case] address: &str, #[case] expected: Place) {
    let address = address.parse().expect("the table holds addresses");
    assert_eq!(place(address), expected, "{address}");
}

proptest! {
    #[test]
    fn no_form_of_an_address_that_is_not_public_gets_through(v4: u32) {
        let v4 = Ipv4Addr::from(v4);
        let [a, b, c, d] = v4.octets();
        let forms = [
            v4.to_ipv6_mapped(),
            format!("64:ff9b::{v4}").parse().expect("NAT64"),
            format!("2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1").parse().expect("6to4"),
        ];
        for form in forms {
            let expected = if place_v4(v4) == Place::Public { Place::Public } else { Place::Never };
            prop_assert_eq!(place(form.into()), expected);
        }
        prop_assert_eq!(place(format!("::{v4}").parse::<Ipv6Addr>().expect("compatible").into()),
            if v4 == Ipv4Addr::new(0, 0, 0, 1) { Place::Loopback } else { Place::Never });
    }

    #[test]
    fn what_std_calls_special_is_never_public(v6: u128) {
        let v6 = Ipv6Addr::from(v6);
        if v6.is_unicast_link_local() || v6.is_unique_local() || v6.is_multicast() || v6.is_loopback() {
            prop_assert_ne!(place(v6.into()), Place::Public);
        }
    }
}

fn confirmed(host: &str) -> Reach {
    Reach {
        private_hosts: vec![host.into()],
    }
}

fn nobody() -> Reach {
    Reach::default()
}

fn code(result: Result<Vec<IpAddr>, Error>) -> Option<ErrorCode> {
    result.err().map(|error| error.code)
}

#[rstest]
#[case::public(&["1.1.1.1"], false, Transport::Tls, None)]
#[case::public_over_http(&["1.1.1.1"], false, Transport::Plain, Some(ErrorCode::UrlNotSecure))]
#[case::confirmed_public_over_http(&["1.1.1.1"], true, Transport::Plain, Some(ErrorCode::UrlNotSecure))]
#[case::private(&["10.0.0.1"], false, Transport::Tls, Some(ErrorCode::AddressPrivate))]
#[case::private_over_http(&["10.0.0.1"], false, Transport::Plain, Some(ErrorCode::AddressPrivate))]
#[case::confirmed_private(&["10.0.0.1"], true, Transport::Tls, None)]
#[case::confirmed_private_over_http(&["10.0.0.1"], true, Transport::Plain, None)]
#[case::loopback(&["127.0.0.1"], false, Transport::Plain, Some(ErrorCode::AddressPrivate))]
#[case::confirmed_loopback(&["::1"], true, Transport::Plain, None)]
#[case::metadata(&["169.254.169.254"], false, Transport::Tls, Some(ErrorCode::AddressForbidden))]
#[case::confirmed_metadata(&["169.254.169.254"], true, Transport::Tls, Some(ErrorCode::AddressForbidden))]
#[case::one_of_two_private(&["1.1.1.1", "10.0.0.1"], false, Transport::Tls, Some(ErrorCode::AddressPrivate))]
#[case::one_of_two_never(&["1.1.1.1", "0.0.0.0"], false, Transport::Tls, Some(ErrorCode::AddressForbidden))]
#[case::no_address(&[], false, Transport::Tls, Some(ErrorCode::Unreachable))]
fn a_name_is_judged_by_all_its_addresses(
    #[case] found: &[&str],
    #[case] is_confirmed: bool,
    #[case] transport: Transport,
    #[case] expected: Option<ErrorCode>,
) {
    let found: Vec<IpAddr> = found
        .iter()
        .map(|a| a.parse().expect("the table holds addresses"))
        .collect();
    let reach = if is_confirmed {
        confirmed("nas.example")
    } else {
        nobody()
    };
    assert_eq!(
        code(admit("nas.example", &found, &reach, transport)),
        expected
    );
}

#[test]
fn a_confirmed_name_is_used_without_its_link_local_address() {
    let found = [
        "fe80::1".parse().expect("v6"),
        "192.168.1.9".parse().expect("v4"),
    ];
    let usable = admit(
        "nas.local",
        &found,
        &confirmed("NAS.local."),
        Transport::Plain,
    )
    .expect("one is fine");
    assert_eq!(
        usable,
        [found[1]],
        "the link-local address must be left out"
    );
}

#[test]
fn a_refusal_names_host_and_address() {
    let error = admit(
        "a.example",
        &["10.9.8.7".parse().expect("v4")],
        &nobody(),
        Transport::Tls,
    )
    .expect_err("private");
    assert_eq!(error.args["host"], "a.example");
    assert_eq!(error.args["address"], "10.9.8.7");
}

fn guard(proxy: Option<&str>) -> Guard {
    let mut system = Matcher::builder();
    if let Some(proxy) = proxy {
        system = system.all(proxy).no("direct.example");
    }
    Guard::new(system_lookup(), always(system.build()))
}

fn preflight(url: &str, reach: &Reach, proxy: Option<&str>) -> Option<ErrorCode> {
    let url = Url::parse(url).expect("the table holds URLs");
    guard(proxy)
        .preflight(&url, reach)
        .err()
        .map(|error| error.code)
}

#[rstest]
#[case("https://example.com/x", None)]
#[case("ftp://example.com/", Some(ErrorCode::UrlInvalid))]
#[case("file:///etc/passwd", Some(ErrorCode::UrlInvalid))]
#[case("javascript:alert(1)", Some(ErrorCode::UrlInvalid))]
#[case("data:text/html,x", Some(ErrorCode::UrlInvalid))]
#[case("https://user@example.com/", Some(ErrorCode::UrlHasCredentials))]
#[case("https://:secret@example.com/", Some(ErrorCode::UrlHasCredentials))]
#[case("https://10.0.0.1/", Some(ErrorCode::AddressPrivate))]
#[case(
    "https://169.254.169.254/latest/meta-data",
    Some(ErrorCode::AddressForbidden)
)]
#[case("http://1.1.1.1/", Some(ErrorCode::UrlNotSecure))]
// Other spellings of 127.0.0.1, 169.254.169.254 and 10.0.0.1.
#[case("https://0177.0.0.1/", Some(ErrorCode::AddressPrivate))]
#[case("https://0x7f.1/", Some(ErrorCode::AddressPrivate))]
#[case("https://2130706433/", Some(ErrorCode::AddressPrivate))]
#[case("https://127.1/", Some(ErrorCode::AddressPrivate))]
#[case("https://127.0.0.1./", Some(ErrorCode::AddressPrivate))]
#[case(
    "https://\u{2460}\u{2461}\u{2466}.\u{24ea}.\u{24ea}.\u{2460}/",
    Some(ErrorCode::AddressPrivate)
)]
#[case("https://%31%32%37.0.0.1/", Some(ErrorCode::AddressPrivate))]
#[case("https://0251.0376.0251.0376/", Some(ErrorCode::AddressForbidden))]
#[case("https://0xa9fea9fe/", Some(ErrorCode::AddressForbidden))]
#[case("https://2852039166/", Some(ErrorCode::AddressForbidden))]
#[case("https://[::ffff:169.254.169.254]/", Some(ErrorCode::AddressForbidden))]
#[case("https://[::ffff:7f00:1]/", Some(ErrorCode::AddressForbidden))]
#[case("https://[0:0:0:0:0:0:0:1]/", Some(ErrorCode::AddressPrivate))]
#[case("https://012.0.0.1/", Some(ErrorCode::AddressPrivate))]
#[case("https://0/", Some(ErrorCode::AddressForbidden))]
fn a_url_is_judged_before_anything_is_asked(
    #[case] url: &str,
    #[case] expected: Option<ErrorCode>,
) {
    assert_eq!(preflight(url, &nobody(), None), expected);
}

#[test]
fn confirming_one_spelling_confirms_the_address() {
    for url in [
        "http://0177.0.0.1:8080/",
        "http://2130706433/",
        "http://127.0.0.1/",
    ] {
        assert_eq!(preflight(url, &confirmed("127.0.0.1"), None), None, "{url}");
    }
    assert_eq!(preflight("http://[::1]:1/", &confirmed("::1"), None), None);
    assert_eq!(
        preflight("http://[::1]:1/", &confirmed("[::1]"), None),
        None
    );
    let other = preflight("http://127.0.0.2/", &confirmed("127.0.0.1"), None);
    assert_eq!(
        other,
        Some(ErrorCode::AddressPrivate),
        "another address was not confirmed"
    );
}

const PROXY: Option<&str> = Some("http://me:pa%20ss@proxy.corp.example:3128");

#[rstest]
#[case("https://api.example.com/", false, None)]
#[case("http://api.example.com/", false, Some(ErrorCode::UrlNotSecure))]
#[case(
    "https://metadata.google.internal/",
    true,
    Some(ErrorCode::AddressForbidden)
)]
#[case("https://intranet/", false, Some(ErrorCode::AddressPrivate))]
#[case("https://nas.local/", false, Some(ErrorCode::AddressPrivate))]
#[case("https://wiki.corp/", false, Some(ErrorCode::AddressPrivate))]
#[case("http://nas.local/", true, None)]
#[case("https://10.0.0.1/", false, Some(ErrorCode::AddressPrivate))]
#[case("https://169.254.169.254/", true, Some(ErrorCode::AddressForbidden))]
// Straight there, so the look-up judges; only the proxy's own name is held back at once.
#[case("https://direct.example/", false, None)]
fn behind_a_proxy_the_name_is_judged(
    #[case] url: &str,
    #[case] is_confirmed: bool,
    #[case] expected: Option<ErrorCode>,
) {
    let host = Url::parse(url)
        .map(|url| host(&url))
        .expect("the table holds URLs");
    let reach = if is_confirmed {
        confirmed(&host)
    } else {
        nobody()
    };
    assert_eq!(preflight(url, &reach, PROXY), expected);
}

#[test]
fn the_proxy_itself_is_no_destination() {
    let guard = Guard::new(
        system_lookup(),
        always(
            Matcher::builder()
                .all("http://proxy.corp.example:3128")
                .no("proxy.corp.example")
                .build(),
        ),
    );
    let url = Url::parse("https://proxy.corp.example/").expect("a URL");
    let refused = guard
        .preflight(&url, &nobody())
        .expect_err("its address is not judged at connecting");
    assert_eq!(refused.code, ErrorCode::AddressPrivate);
    assert_eq!(
        guard.preflight(&url, &confirmed("proxy.corp.example")),
        Ok(())
    );
}

#[tokio::test(start_paused = true)]
async fn another_networks_proxy_is_known_without_a_restart() {
    let is_office = Arc::new(AtomicBool::new(false));
    let flag = is_office.clone();
    let settings = move || {
        let mut settings = Matcher::builder();
        if flag.load(Ordering::Relaxed) {
            settings = settings.all("http://proxy.corp.example:3128");
        }
        Arc::new(settings.build())
    };
    let guard = Guard::new(system_lookup(), Box::new(settings));
    let url = Url::parse("https://api.example.com/").expect("a URL");
    let goes_by_proxy = || guard.route(&url, &nobody(), Transport::Tls).is_some();
    for office in [false, true, false] {
        is_office.store(office, Ordering::Relaxed);
        tokio::time::advance(SETTINGS_FOR).await;
        assert_eq!(goes_by_proxy(), office);
        assert_eq!(guard.is_proxy("proxy.corp.example"), office);
    }
}

fn routed(url: &str, reach: &Reach, transport: Transport) -> Option<String> {
    let url = Url::parse(url).expect("a URL");
    guard(PROXY)
        .route(&url, reach, transport)
        .map(|proxy| proxy.to_string())
}

#[test]
fn requests_go_straight_through_the_proxy_or_nowhere() {
    let proxy = Some("http://me:pa%20ss@proxy.corp.example:3128/".to_owned());
    assert_eq!(
        routed("https://api.example.com/", &nobody(), Transport::Tls),
        proxy
    );
    assert_eq!(
        routed("https://direct.example/", &nobody(), Transport::Tls),
        None
    );
    for host in ["127.0.0.1", "localhost", "app.localhost", "[::1]"] {
        let url = format!("http://{host}:9/");
        assert_eq!(
            routed(&url, &confirmed(host), Transport::Plain),
            None,
            "{host} is this computer"
        );
    }
    let nowhere =
        |target: Option<String>| target.is_some_and(|target| target.ends_with(".refused.invalid/"));
    assert!(nowhere(routed(
        "https://10.0.0.1/",
        &nobody(),
        Transport::Tls
    )));
    assert!(nowhere(routed(
        "https://[::ffff:169.254.169.254]/",
        &nobody(),
        Transport::Tls
    )));
    assert!(
        nowhere(routed(
            "http://nas.local/",
            &confirmed("nas.local"),
            Transport::Tls
        )),
        "http on a TLS client"
    );
}
