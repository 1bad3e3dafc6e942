//! A captive portal on the way to servers that speak TLS: it cannot show their certificates, so that
//! not one request reaches it. In a network of the test's own.

use crate::kit::{
    Home,
    health::{drive, drive_gently, notices},
    net, targets,
};
use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine::ports::Clock as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};
use wire::{Reason, RowKind, Status};

const MINUTE: i64 = 60_000;
/// The variable that names the folder with the certificates.
const CERTIFICATES: &str = "CHIEF_TEST_CERTIFICATES";
const OWN: &str = "own";
const PORTALS: &str = "portals";

/// An authority, a certificate for every server, and one that is the portal's: for another name.
fn certificates(folder: &Path, servers: usize) -> Result<()> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(authority.der())
    );
    std::fs::write(folder.join("authority.pem"), pem)?;
    let own: Vec<String> = (1..=servers).map(net::address).collect();
    for (name, hosts) in [
        (OWN, own),
        (PORTALS, vec!["portal.hotel.example".to_owned()]),
    ] {
        let key = KeyPair::generate()?;
        let leaf = CertificateParams::new(hosts)?.signed_by(&key, &authority)?;
        std::fs::write(folder.join(format!("{name}.der")), leaf.der())?;
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_der())?;
    }
    Ok(())
}

fn acceptor(name: &str) -> Result<TlsAcceptor> {
    let folder = std::env::var(CERTIFICATES).context("the folder with the certificates")?;
    let folder = Path::new(&folder);
    let leaf = CertificateDer::from(std::fs::read(folder.join(format!("{name}.der")))?);
    let key = std::fs::read(folder.join(format!("{name}.key")))?;
    let key = PrivateKeyDer::try_from(key).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![leaf], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

type Shown = Arc<Mutex<TlsAcceptor>>;

/// Answers every request well, with the certificate that is shown now; its port.
async fn serve(shown: Shown) -> Result<u16> {
    let listener = TcpListener::bind(("0.0.0.0", 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
            // A client that does not trust it goes away.
            tokio::spawn(answer(stream, acceptor));
        }
    });
    Ok(port)
}

async fn answer(stream: TcpStream, acceptor: TlsAcceptor) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut asked = vec![];
    while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut asked).await? == 0 {
            return Ok(());
        }
    }
    // One request a connection: the next one sees the next certificate.
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
                  connection: close\r\n\r\n{}";
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// With others connected the banner says it; alone nothing can be compared, and nothing is said.
async fn behind_a_portal(servers: usize) -> Result<()> {
    let shown: Shown = Arc::new(Mutex::new(acceptor(OWN)?));
    let port = serve(shown.clone()).await?;
    let (home, clock) = Home::with_fake_clock().await?;
    for n in 1..=servers {
        let base = format!("https://{}:{port}/v1", net::address(n));
        let target = targets::api(&base, "/health", targets::bearer("a-key"));
        home.connect(target).await?;
    }
    *shown.lock().unwrap_or_else(PoisonError::into_inner) = acceptor(PORTALS)?;
    let lost = clock.now();
    let offline = async || Ok(home.ask::<wire::GetApp>(json!({})).await?.offline);
    if servers > 1 {
        drive_gently(&home, &clock, "the banner", offline).await?;
        let after = clock.now().since(lost) / 1000;
        println!("{servers} behind a portal: the banner came after {after} s");
        ensure!(after <= 60, "the banner came after {after} s");
    }
    while clock.now().since(lost) < 40 * MINUTE {
        let until = clock.now().plus(MINUTE);
        drive(&home, &clock, "a minute", async || Ok(clock.now() >= until)).await?;
    }
    for card in home.cards().await? {
        let told = home.test(card.id).await?;
        let error = told.error.context("nothing can answer")?;
        assert_eq!(error.code, wire::ErrorCode::Unreachable, "{error}");
        let why = error.args.get("why").map(String::as_str);
        assert_eq!(why, Some("the certificate is for another name"));
        assert_eq!(told.health.status, Status::Healthy, "{:?}", told.health);
        assert_eq!(told.health.reason, Reason::Ok);
    }
    assert!(notices(&home)?.is_empty());
    assert!(
        home.rows_of(RowKind::Token, "token.refresh")
            .await?
            .is_empty()
    );

    *shown.lock().unwrap_or_else(PoisonError::into_inner) = acceptor(OWN)?;
    let back = clock.now();
    drive_gently(&home, &clock, "the banner to go", async || {
        Ok(!offline().await?)
    })
    .await?;
    ensure!(clock.now().since(back) <= 30_000, "it stood for too long");
    for card in home.cards().await? {
        assert_eq!(home.test(card.id).await?.error, None);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_for_another_name_is_no_network_and_never_a_logout() -> Result<()> {
    const SERVERS: usize = 5;
    let folder = tempfile::tempdir()?;
    let authority = folder.path().join("authority.pem");
    if std::env::var_os(CERTIFICATES).is_none() {
        certificates(folder.path(), SERVERS)?;
    }
    let (authority, named) = (
        authority.display().to_string(),
        folder.path().display().to_string(),
    );
    let test = "portals::a_certificate_for_another_name_is_no_network_and_never_a_logout";
    let environment = [
        ("SSL_CERT_FILE", authority.as_str()),
        (CERTIFICATES, named.as_str()),
    ];
    if !net::inside(test, &environment)? {
        return Ok(());
    }
    net::plug_in(SERVERS)?;
    behind_a_portal(SERVERS).await?;
    behind_a_portal(1).await
}
