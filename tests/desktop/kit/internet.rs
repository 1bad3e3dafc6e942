//! The internet as a company's desktop sees it: through the system's proxy, which opens TLS by an
//! authority of its own that the desktop trusts. Names of the tests lead to servers on this computer,
//! so that the app as it is shipped, which takes https on public names only, can be led to them.

use anyhow::{Context, Result};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header::HOST},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
    server::TlsStream,
};

type Stream = TlsStream<BufReader<TcpStream>>;

/// The proxy and what is behind it. It ends when dropped.
pub struct Internet {
    proxy: SocketAddr,
    folder: TempDir,
    tasks: [JoinHandle<()>; 2],
}

impl Internet {
    /// Leads each name to the server at that URL.
    pub async fn start(names: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("chief-internet-")
            .tempdir()?;
        let hosts: Vec<String> = names.iter().map(|(name, _)| (*name).to_owned()).collect();
        let (authority, acceptor) = certified(hosts)?;
        std::fs::write(folder.path().join("authority.pem"), authority)?;
        let behind: BTreeMap<String, String> = names
            .iter()
            .map(|(name, url)| ((*name).to_owned(), (*url).to_owned()))
            .collect();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let proxy = listener.local_addr()?;
        let (give, streams) = mpsc::channel(16);
        let tunnels = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, give) = (acceptor.clone(), give.clone());
                tokio::spawn(async move {
                    // A client that goes away, or does not trust it, is its own trouble.
                    if let Ok(stream) = open(stream, acceptor).await {
                        let _ = give.send(stream).await;
                    }
                });
            }
        });
        let app = Router::new()
            .fallback(forward)
            .with_state((client, Arc::new(behind)));
        let served = tokio::spawn(async move {
            let _ = axum::serve(Tunnels { streams, proxy }, app).await;
        });
        Ok(Self {
            proxy,
            folder,
            tasks: [tunnels, served],
        })
    }

    /// What a program needs in its environment to be on it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("HTTPS_PROXY", format!("http://{}", self.proxy)),
            ("SSL_CERT_FILE", self.authority().display().to_string()),
        ]
    }

    fn authority(&self) -> std::path::PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Follows redirects as a browser does, until one leads out of the web.
    pub async fn follow(&self, link: &str) -> Result<String> {
        let authority = std::fs::read(self.authority())?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .proxy(reqwest::Proxy::https(format!("http://{}", self.proxy))?)
            .tls_certs_merge([reqwest::Certificate::from_pem(&authority)?])
            .build()?;
        let mut at = url::Url::parse(link)?;
        for _ in 0..10 {
            let answer = client.get(at.clone()).send().await?;
            let status = answer.status();
            let Some(target) = answer.headers().get("location") else {
                anyhow::bail!("{at} answered {status}: {}", answer.text().await?);
            };
            let target = target.to_str()?;
            if target.starts_with("app.chief.integrations:") {
                return Ok(target.to_owned());
            }
            at = at.join(target)?;
        }
        anyhow::bail!("the way does not end: {at}")
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// An authority's certificate, and TLS for these names that it vouches for.
fn certified(hosts: Vec<String>) -> Result<(String, TlsAcceptor)> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(hosts)?.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)?;
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(authority.der())
    );
    Ok((pem, TlsAcceptor::from(Arc::new(config))))
}

/// Answers `CONNECT` (RFC 9110 section 9.3.6) and takes up TLS in the tunnel.
async fn open(stream: TcpStream, acceptor: TlsAcceptor) -> Result<Stream> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    anyhow::ensure!(line.starts_with("CONNECT "), "only tunnels");
    while line != "\r\n" {
        line.clear();
        anyhow::ensure!(stream.read_line(&mut line).await? > 0, "cut off");
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    Ok(acceptor.accept(stream).await?)
}

/// The tunnels that were opened, as axum takes connections.
struct Tunnels {
    streams: mpsc::Receiver<Stream>,
    proxy: SocketAddr,
}

impl axum::serve::Listener for Tunnels {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        match self.streams.recv().await {
            Some(stream) => (stream, self.proxy),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.proxy)
    }
}

type Behind = (reqwest::Client, Arc<BTreeMap<String, String>>);

/// To the server behind the name.
async fn forward(State(behind): State<Behind>, request: Request) -> Response {
    match sent_on(behind, request).await {
        Ok(answer) => answer,
        Err(error) => {
            let mut answer = Response::new(Body::from(format!("{error:#}")));
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
            answer
        }
    }
}

async fn sent_on((client, behind): Behind, request: Request) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let host = parts.headers.remove(HOST).context("a host")?;
    let base = behind.get(host.to_str()?).context("a name of the test")?;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let answer = client
        .request(
            parts.method,
            format!("{}{path}", base.trim_end_matches('/')),
        )
        .headers(parts.headers)
        .body(axum::body::to_bytes(body, 1 << 20).await?)
        .send()
        .await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    for (name, value) in answer.headers() {
        // Whoever serves it says by itself how long it is.
        if name != "content-length" && name != "transfer-encoding" {
            response.headers_mut().append(name, value.clone());
        }
    }
    *response.body_mut() = Body::from(answer.bytes().await?);
    Ok(response)
}
