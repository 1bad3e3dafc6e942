//! This computer's own addresses, for whatever listens there: the way back from the browser, and the
//! gateway.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};
use tokio::net::TcpListener;

/// What `Host` may say to a listener at `port`: the two addresses and their name. A page elsewhere
/// whose name was rebound to this computer says its own.
#[must_use]
pub fn hosts(port: u16) -> Vec<String> {
    ["127.0.0.1", "[::1]", "localhost"]
        .into_iter()
        .map(|host| format!("{host}:{port}"))
        .collect()
}

/// Listens on 127.0.0.1 and ::1 at the same port (0: one that the system chooses), so that nobody else
/// can answer where a client tries the other one first; on one alone where there is no other.
///
/// # Errors
/// `AddrInUse` where somebody holds the port on either address; else the system's own.
pub async fn bind(port: u16) -> io::Result<Vec<TcpListener>> {
    let listen = |ip: IpAddr, port| TcpListener::bind(SocketAddr::new(ip, port));
    let v4 = match listen(Ipv4Addr::LOCALHOST.into(), port).await {
        Ok(v4) => v4,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
        Err(error) => {
            return listen(Ipv6Addr::LOCALHOST.into(), port)
                .await
                .map(|v6| vec![v6])
                .map_err(|_| error);
        }
    };
    let port = v4.local_addr()?.port();
    match listen(Ipv6Addr::LOCALHOST.into(), port).await {
        Ok(v6) => Ok(vec![v4, v6]),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        // No IPv6 on this computer.
        Err(_) => Ok(vec![v4]),
    }
}
