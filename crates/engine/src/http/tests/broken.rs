use super::*;

#[rstest]
#[case::cut_in_the_body(
    "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
    ErrorCode::Unreachable,
    "the connection was cut"
)]
#[case::cut_in_the_head(
    "HTTP/1.1 200 OK\r\nconte",
    ErrorCode::Unreachable,
    "the connection was cut"
)]
#[case::no_answer("", ErrorCode::Unreachable, "the connection was cut")]
#[case::cut_in_a_chunk(
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf",
    ErrorCode::Unreachable,
    "the connection was cut"
)]
#[case::not_http(
    "SSH-2.0-OpenSSH_9.2\r\n",
    ErrorCode::BadAnswer,
    "it does not speak HTTP"
)]
#[case::not_gzip(
    "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nplain",
    ErrorCode::BadAnswer,
    "its body cannot be decoded"
)]
#[tokio::test]
async fn a_broken_answer_is_told_in_words(
    #[case] bytes: &str,
    #[case] code: ErrorCode,
    #[case] why: &str,
) {
    let url = raw(bytes).await;
    let Err(failure) = door().attempt(Outgoing::get(url), &here()).await else {
        panic!("answered")
    };
    assert_eq!(
        (failure.error.code, failure.error.args["why"].as_str()),
        (code, why)
    );
    assert!(failure.sent, "it may have been acted on");
}

#[tokio::test]
async fn a_refused_connection_was_not_sent_and_shows_no_query() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let at = listener.local_addr().expect("bound");
    drop(listener);
    let url = format!("http://{at}/path?key={CANARY}")
        .parse()
        .expect("a URL");
    let Err(failure) = door().attempt(Outgoing::get(url), &here()).await else {
        panic!("answered")
    };
    assert_eq!(
        failure.error.to_string(),
        "unreachable host=127.0.0.1 why=connection refused"
    );
    assert!(!failure.sent, "nothing can have been acted on");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key)
        })
        .expect("a server");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let at = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    let url = format!("https://{at}/").parse().expect("a URL");
    let Err(failure) = door().attempt(Outgoing::get(url), &here()).await else {
        panic!("answered")
    };
    assert_eq!(
        failure.error.to_string(),
        "unreachable host=127.0.0.1 why=the certificate is not trusted"
    );
    assert!(!failure.sent, "nothing can have been acted on");
}

#[tokio::test]
async fn https_where_plain_http_is_spoken_is_told() {
    let url = raw("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let url = url
        .as_str()
        .replace("http:", "https:")
        .parse()
        .expect("a URL");
    assert_eq!(
        failing(Outgoing::get(url)).await.args["why"],
        "it does not speak TLS there"
    );
}

#[rstest]
#[case::asks(407, "the network's proxy asks for a sign-in")]
#[case::forbids(403, "the network's proxy does not lead there")]
#[tokio::test]
async fn a_proxy_that_lets_nobody_through_is_named(#[case] status: u16, #[case] why: &str) {
    let proxy = raw(format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n")).await;
    let door = Http::build(
        Arc::new(|name| panic!("{name} was looked up")),
        always(Matcher::builder().all(proxy.as_str()).build()),
    );
    let url = "https://api.example.com/".parse().expect("a URL");
    let Err(failure) = door.attempt(Outgoing::get(url), &Reach::default()).await else {
        panic!("answered")
    };
    assert_eq!(
        failure.error.to_string(),
        format!("unreachable host=api.example.com why={why}")
    );
    assert!(!failure.sent, "nothing can have been acted on");
}
