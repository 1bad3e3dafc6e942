//! The load: calls over kept connections, and what each took.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Where calls go, and the bytes of one.
#[derive(Clone)]
pub struct Target {
    address: String,
    request: Vec<u8>,
}

impl Target {
    pub fn direct(url: &str) -> Result<Self> {
        Self::new(url, "echo", "")
    }

    pub fn gateway(url: &str, token: &str) -> Result<Self> {
        Self::new(
            url,
            "bench__echo",
            &format!("authorization: Bearer {token}\r\n"),
        )
    }

    fn new(url: &str, tool: &str, more: &str) -> Result<Self> {
        let url: url::Url = url.parse()?;
        let address = format!(
            "{}:{}",
            url.host_str().context("a host")?,
            url.port().context("a port")?
        );
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {
                "name": tool,
                "arguments": { "text": "hello" },
                "_meta": { "app.chief.integrations/thread": {
                    "url": "https://acme.slack.com/archives/C1/p2", "title": "Refund 17",
                } },
            },
        })
        .to_string();
        let request = format!(
            "POST {} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-11-25\r\n\
             {more}content-length: {}\r\n\r\n{body}",
            url.path(),
            body.len()
        );
        Ok(Self {
            address,
            request: request.into_bytes(),
        })
    }
}

/// One kept connection.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(&target.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 64 * 1024],
        })
    }

    async fn call(&mut self, target: &Target) -> Result<Duration> {
        let began = Instant::now();
        self.stream.write_all(&target.request).await?;
        let mut filled = 0;
        loop {
            let space = self.buffer.get_mut(filled..).context("a short answer")?;
            let more = self.stream.read(space).await?;
            if more == 0 {
                bail!("the connection was closed");
            }
            filled += more;
            let got = self.buffer.get(..filled).unwrap_or_default();
            if is_whole(got) {
                let took = began.elapsed();
                let text = String::from_utf8_lossy(got);
                if !text.starts_with("HTTP/1.1 200") || !text.contains("hello") {
                    bail!("not an answer: {text}");
                }
                return Ok(took);
            }
        }
    }
}

fn is_whole(got: &[u8]) -> bool {
    let text = String::from_utf8_lossy(got);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let head = head.to_ascii_lowercase();
    match head.split_once("content-length: ") {
        Some((_, rest)) => {
            let length = rest.split("\r\n").next().unwrap_or_default();
            length
                .parse()
                .is_ok_and(|length: usize| body.len() >= length)
        }
        None => body.ends_with("0\r\n\r\n"),
    }
}

/// One way of calling, and what it has cost so far.
pub struct Way {
    pub name: &'static str,
    target: Target,
    /// The app's process.
    process: Option<u32>,
    alone: Vec<f64>,
    together: Vec<f64>,
    rates: Vec<f64>,
    cpu_us: Vec<f64>,
}

impl Way {
    pub fn new(name: &'static str, target: Target, process: Option<u32>) -> Self {
        Self {
            name,
            target,
            process,
            alone: Vec::new(),
            together: Vec::new(),
            rates: Vec::new(),
            cpu_us: Vec::new(),
        }
    }

    /// Calls by one client, then by many together.
    pub async fn turn(
        &mut self,
        counts: bool,
        alone: usize,
        (clients, together): (usize, usize),
    ) -> Result<()> {
        let one = calls(self.target.clone(), alone).await?;
        let before = self.process.map(cpu).transpose()?;
        let began = Instant::now();
        let each = together / clients;
        let tasks: Vec<_> = (0..clients)
            .map(|_| tokio::spawn(calls(self.target.clone(), each)))
            .collect();
        let mut many = Vec::new();
        for task in tasks {
            many.extend(task.await??);
        }
        let took = began.elapsed().as_secs_f64();
        if counts {
            self.alone.extend(one);
            self.together.extend(many);
            #[allow(clippy::cast_precision_loss, reason = "a few thousand calls")]
            let made = (each * clients) as f64;
            self.rates.push(made / took);
            if let (Some(process), Some(before)) = (self.process, before) {
                self.cpu_us.push((cpu(process)? - before) * 1e6 / made);
            }
        }
        Ok(())
    }

    /// p50 and p99 of one client, in milliseconds.
    pub fn alone(&self) -> (f64, f64) {
        (at(&self.alone, 0.5), at(&self.alone, 0.99))
    }

    /// The same of many together.
    pub fn together(&self) -> (f64, f64) {
        (at(&self.together, 0.5), at(&self.together, 0.99))
    }

    pub fn told(&self) -> Result<Value> {
        let (p50, p99) = self.alone();
        let (many50, many99) = self.together();
        Ok(json!({
            "ms_p50": round(p50),
            "ms_p99": round(p99),
            "together_ms_p50": round(many50),
            "together_ms_p99": round(many99),
            "calls_per_second": at(&self.rates, 0.5).round(),
            "cpu_us_per_call": at(&self.cpu_us, 0.5).round(),
            "memory_mb": self.process.map(memory).transpose()?,
        }))
    }
}

async fn calls(target: Target, count: usize) -> Result<Vec<f64>> {
    let mut client = Client::connect(&target).await?;
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        took.push(client.call(&target).await?.as_secs_f64() * 1e3);
    }
    Ok(took)
}

/// What so large a part of the values stays below.
pub fn at(values: &[f64], part: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let place = (values.len() as f64 * part) as usize;
    values.get(place).copied().unwrap_or(0.0)
}

pub fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// Seconds of processor time that a process has used (Linux).
fn cpu(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let after = stat.rsplit_once(')').context("a stat line")?.1;
    let ticks: f64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum();
    Ok(ticks / 100.0)
}

/// Megabytes that a process holds, shared ones by part (Linux).
fn memory(process: u32) -> Result<f64> {
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let line = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .context("a Pss line")?;
    let kilobytes: f64 = line.split_whitespace().next().context("kB")?.parse()?;
    Ok((kilobytes / 1024.0).round())
}
