//! Where deliveries may go: to the open internet, and never to what only this deployment can reach.
//!
//! A host is checked by its literal when the merchant names it, and by what DNS says before each
//! delivery. Sources: the IANA special-purpose address registries
//! (<https://www.iana.org/assignments/iana-ipv4-special-registry>, and -ipv6-), and
//! <https://url.spec.whatwg.org/#host-parsing> for what the runtime takes for an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

/// Why a URL is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no URL, or holds what it must not.
    #[error("Not a valid URL")]
    NotAUrl,
    /// Live mode sends over TLS only.
    #[error("Invalid URL: In live mode, URLs must use the https:// protocol.")]
    NotHttps,
    /// Nobody but this deployment could reach it.
    #[error("Invalid URL: URL must be publicly accessible.")]
    NotPublic,
}

/// The host of a URL that deliveries may go to, in lower case.
///
/// `allows_local` is for a developer's own machine.
///
/// # Errors
/// When they may not.
pub fn check(url: &str, livemode: bool, allows_local: bool) -> Result<String, Refusal> {
    let uri: Uri = url.parse().map_err(|_| Refusal::NotAUrl)?;
    let authority = uri.authority().ok_or(Refusal::NotAUrl)?;
    let is_secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(Refusal::NotAUrl),
    };
    // What is before an @ would be sent along as a password.
    if authority.as_str().contains('@') || url.contains('#') {
        return Err(Refusal::NotAUrl);
    }
    if livemode && !is_secure {
        return Err(Refusal::NotHttps);
    }
    let host = authority.host().to_ascii_lowercase();
    if host.is_empty() {
        return Err(Refusal::NotAUrl);
    }
    if is_public_host(&host)? || allows_local { Ok(host) } else { Err(Refusal::NotPublic) }
}

/// Whether a host may be public: an address that is, or a name.
fn is_public_host(host: &str) -> Result<bool, Refusal> {
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(Refusal::NotAUrl)?;
        let address: Ipv6Addr = inner.parse().map_err(|_| Refusal::NotAUrl)?;
        return Ok(is_public(IpAddr::V6(address)));
    }
    // What else may stand in a URL is no letter of a name, and would change the question that DNS is asked.
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || b".-_".contains(&letter);
    if !host.bytes().all(is_letter) {
        return Err(Refusal::NotAUrl);
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    // The runtime takes every host that ends in a number for an address, also 0x7f.1 and 2130706433.
    let is_numeric = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
    if is_numeric {
        let address: Ipv4Addr = name.parse().map_err(|_| Refusal::NotAUrl)?;
        return Ok(is_public(IpAddr::V4(address)));
    }
    Ok(name.contains('.') && !name.ends_with(".localhost"))
}

/// Whether an address is on the open internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let octets = address.octets();
    let is_special = match octets {
        [0 | 10 | 127, ..] | [169, 254, ..] | [192, 168, ..] => true,
        [100, second, ..] => (64..128).contains(&second),
        [172, second, ..] => (16..32).contains(&second),
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => true,
        [198, 51, 100, _] | [203, 0, 113, _] => true,
        // Multicast, and what is reserved up to the broadcast address.
        [first, ..] => first >= 224,
    };
    !is_special
}

/// Only global unicast, without what stands for other addresses or for nobody's: mapped addresses and
/// NAT64 (64:ff9b::/96) lie outside of it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_global = (0x2000..0x4000).contains(&first);
    let is_special = match first {
        // Teredo, ORCHID and other protocols below 2001:200::, and documentation.
        0x2001 => second < 0x200 || second == 0xdb8,
        // 6to4 carries an IPv4 address.
        0x2002 => true,
        // Documentation.
        0x3fff => second < 0x1000,
        _ => false,
    };
    is_global && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_hosts_are_targets() {
        for url in [
            "https://example.com/hooks?a=b",
            "https://EXAMPLE.com:8443/",
            "https://1.1.1.1/",
            "https://[2606:4700::1111]/",
            "https://xn--bcher-kva.example/",
            "https://my_shop.example.com./",
        ] {
            assert!(check(url, true, false).is_ok(), "{url}");
        }
        assert_eq!(check("http://example.com", true, false), Err(Refusal::NotHttps));
        assert!(check("http://example.com", false, false).is_ok());
    }

    #[test]
    fn what_only_the_deployment_reaches_is_no_target() {
        for host in [
            "localhost",
            "printer",
            "a.localhost",
            "localhost.",
            "127.0.0.1",
            "127.0.0.1.",
            "10.1.2.3",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:1.1.1.1]",
            "[64:ff9b::7f00:1]",
            "[fe80::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[2002:7f00:1::]",
            "[2001::1]",
            "[2001:db8::1]",
            "[ff02::1]",
        ] {
            let url = format!("https://{host}/");
            assert_eq!(check(&url, true, false), Err(Refusal::NotPublic), "{host}");
            assert!(check(&url, true, true).is_ok(), "{host}");
        }
    }

    #[test]
    fn other_spellings_of_addresses_are_no_urls() {
        for url in [
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7f.1/",
            "https://127.1/",
            "https://0177.0.0.1/",
            "https://127.0.0.0x1/",
            "https://user:password@example.com/",
            "https://example.com@127.0.0.1/",
            "https://exam%70le.com/",
            "https://example.com&type=TXT/",
            "https://example.com&name=other.example/",
            "https://exam!ple.com/",
            "https://exam$ple.com/",
            "https://exam'ple.com/",
            "https://exam(ple).com/",
            "https://exam*ple.com/",
            "https://exam+ple.com/",
            "https://example.com,other.example/",
            "https://example.com;other.example/",
            "https://example=com.example/",
            "https://~example.com/",
            "https://b\u{fc}cher.example/",
            "https://example.com/#part",
            "https:///path",
            "ftp://example.com/",
            "javascript:alert(1)",
            "/relative",
            "",
        ] {
            assert_eq!(check(url, false, true), Err(Refusal::NotAUrl), "{url}");
        }
    }
}
