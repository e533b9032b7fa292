//! The name by which a server is asked.

use std::net::{IpAddr, SocketAddr};

/// Whether a request with this `Host` is meant for a server at this address.
///
/// Of a server that only this device reaches, whoever asks by another name than the device's own is a page of some website, whose name
/// was made to lead here so that the browser lets it read the answers. In a network any name will do: nothing there is secret.
pub(super) fn is_meant(address: SocketAddr, host: Option<&str>) -> bool {
    let Some(host) = host.map(str::trim).filter(|_| address.ip().is_loopback()) else { return true };
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name =
        host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(n, _)| n);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_devices_names_lead_to_it() {
        let here = SocketAddr::from(([127, 0, 0, 1], 8000));
        for host in ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:8000", "127.1.2.3", "[::1]:8000", "[::1]"] {
            assert!(is_meant(here, Some(host)), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "192.168.1.2:8000",
            "",
            "127.0.0.1.evil.example",
        ] {
            assert!(!is_meant(here, Some(host)), "{host}");
        }
        assert!(is_meant(here, None), "a client of HTTP/1.0");
        assert!(is_meant(SocketAddr::from(([0, 0, 0, 0], 8000)), Some("my-desk.local:8000")));
    }
}
