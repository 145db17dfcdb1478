//! What DNS over HTTPS says of a host
//! (<https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json/>).

use std::net::IpAddr;

use serde::Deserialize;

use crate::kept;

/// The name exists (<https://www.iana.org/assignments/dns-parameters>).
const NO_ERROR: u16 = 0;

/// There is no such name.
const NO_SUCH_NAME: u16 = 3;

#[derive(Deserialize)]
struct Resolution {
    #[serde(rename = "Status")]
    status: u16,
    #[serde(rename = "Answer", default)]
    answer: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    data: String,
}

/// The addresses in an answer, none where there is no such name; or that DNS failed for this name, as where who is in
/// charge of it does not answer.
///
/// # Errors
/// When it is no answer.
pub fn addresses(answer: &[u8]) -> Result<Result<Vec<IpAddr>, String>, String> {
    let resolution: Resolution = kept::from_text(&String::from_utf8_lossy(answer))
        .map_err(|error| format!("DNS answered no JSON: {error}"))?;
    Ok(match resolution.status {
        // What leads to another name is a record, too.
        NO_ERROR => {
            Ok(resolution.answer.iter().filter_map(|record| record.data.parse().ok()).collect())
        }
        NO_SUCH_NAME => Ok(Vec::new()),
        status => Err(format!("DNS answered with the error {status}.")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_past_other_names() {
        let answer = r#"{"Status": 0, "TC": false, "Answer": [
            {"name": "shop.test", "type": 5, "TTL": 300, "data": "cdn.test."},
            {"name": "cdn.test", "type": 1, "TTL": 300, "data": "192.0.2.1"},
            {"name": "cdn.test", "type": 28, "TTL": 300, "data": "2001:db8::1"}]}"#;
        let expected: Vec<IpAddr> =
            ["192.0.2.1", "2001:db8::1"].map(|address| address.parse().expect("one")).into();
        assert_eq!(addresses(answer.as_bytes()), Ok(Ok(expected)));
        assert_eq!(addresses(br#"{"Status": 0}"#), Ok(Ok(Vec::new())), "it has none of this kind");
    }

    #[test]
    fn that_dns_failed_is_not_taken_for_a_host_without_addresses() {
        assert_eq!(addresses(br#"{"Status": 3}"#), Ok(Ok(Vec::new())), "there is no such name");
        for answer in [&br#"{"Status": 2}"#[..], br#"{"Status": 5}"#] {
            assert!(matches!(addresses(answer), Ok(Err(_))), "{}", String::from_utf8_lossy(answer));
        }
        for answer in [&br#"{"Answer": []}"#[..], b""] {
            assert!(addresses(answer).is_err(), "{}", String::from_utf8_lossy(answer));
        }
    }
}
