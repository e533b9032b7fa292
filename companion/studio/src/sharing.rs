//! A published folder on the local network, for as long as somebody wants it there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use cones_publish::FileServer;
use cones_publish::serve::Stop;

use crate::error::{Error, Result};

/// The port that is tried first, so that a link is the same again next time.
const PORT: u16 = 8778;

/// How often the port is asked for, with a pause after each time.
const TRIES: usize = 10;

fn pause<T>() -> Option<T> {
    std::thread::sleep(Duration::from_millis(50));
    None
}

/// A folder that others can fetch files from.
#[derive(Debug)]
pub(crate) struct Sharing {
    address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Sharing {
    /// Serves a folder at an address of this machine.
    pub(crate) fn start(folder: &Path, ip: IpAddr) -> Result<Self> {
        if !is_local(ip) {
            let hint = "take an address of a home or office network, or publish to a static host";
            return Err(Error::request(format!("{ip} is no address of a local network"), hint));
        }
        let usual = || FileServer::new(folder, SocketAddr::new(ip, PORT)).ok();
        // One that was just stopped gives its port back a moment later.
        let patient = || (0..TRIES).find_map(|_| usual().or_else(pause));
        let server = match patient() {
            Some(server) => server,
            None => FileServer::new(folder, SocketAddr::new(ip, 0))?,
        };
        let (address, stop) = (server.address(), server.stop());
        let thread = std::thread::Builder::new().name("sharing".into()).spawn(move || server.run());
        let thread = thread.map_err(|error| Error::Lost(error.to_string()))?;
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// The page that a phone opens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/index.html", self.address)
    }

    /// The catalogue that an app gets.
    pub(crate) fn catalog(&self) -> String {
        format!("http://{}/catalog.json", self.address)
    }

    /// Where it is served.
    pub(crate) fn ip(&self) -> IpAddr {
        self.address.ip()
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        self.stop.stop();
        // A thread that panicked serves nothing any more either.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// This machine's address in the network that leads outside; none where there is no network.
pub(crate) fn own_address() -> Option<IpAddr> {
    // Nothing is sent: connecting a UDP socket only asks the system which way it would go (192.0.2.1 is nobody's).
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| is_local(*ip))
}

/// Whether it is reached from the local network at most.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_networks_are_served() {
        for local in ["192.168.1.5", "10.0.0.2", "172.16.9.9", "169.254.1.1", "127.0.0.1", "::1", "fd00::1", "fe80::1"]
        {
            assert!(local.parse().is_ok_and(is_local), "{local}");
        }
        for other in ["0.0.0.0", "8.8.8.8", "172.32.0.1", "192.0.2.1", "::", "2001:db8::1"] {
            assert!(!other.parse().is_ok_and(is_local), "{other}");
        }
    }
}
