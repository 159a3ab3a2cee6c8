//! What names, labels and ports may look like, and what Kubernetes says when they do not.
//! Never looks at whole objects.

use super::Findings;
use serde_json::Value;
use std::net::IpAddr;

const LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const NAME_PART_RULE: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const NAME_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const CONFIG_KEY_RULE: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// Findings about a DNS label (`my-name`), at most 63 letters.
#[must_use]
pub fn dns_label(value: &str) -> Vec<String> {
    let mut found = too_long(value, 63);
    if !is_dns_label(value) {
        found.push(LABEL_RULE.to_owned());
    }
    found
}

/// Findings about a DNS subdomain (`example.com`), at most 253 letters.
#[must_use]
pub fn dns_subdomain(value: &str) -> Vec<String> {
    let mut found = too_long(value, 253);
    if value.is_empty() || !value.split('.').all(is_dns_label) {
        found.push(SUBDOMAIN_RULE.to_owned());
    }
    found
}

/// Findings about a name of which no server of names minds the underscores.
#[must_use]
pub fn dns_subdomain_with_underscore(value: &str) -> Vec<String> {
    const RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
    let mut found = too_long(value, 253);
    if value.is_empty()
        || !value
            .split('.')
            .all(|part| is_dns_label(&part.replace('_', "-")))
    {
        found.push(RULE.to_owned());
    }
    found
}

/// Findings about the name of an environment variable, or about the beginning of one.
#[must_use]
pub fn env_name(value: &str) -> Vec<String> {
    const RULE: &str = "a valid environment variable name must consist only of printable ASCII characters other than '='";
    let good = |b: u8| (b' '..=b'~').contains(&b) && b != b'=';
    match !value.is_empty() && value.bytes().all(good) {
        true => Vec::new(),
        false => vec![RULE.to_owned()],
    }
}

/// Findings about the name of a header of HTTP.
#[must_use]
pub fn http_header_name(value: &str) -> Vec<String> {
    const RULE: &str = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    match !value.is_empty() && value.bytes().all(good) {
        true => Vec::new(),
        false => vec![RULE.to_owned()],
    }
}

/// Findings about a path below a folder.
#[must_use]
pub fn local_path(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    if value.starts_with('/') {
        found.push("must be a relative path".to_owned());
    }
    if value.split('/').any(|part| part == "..") {
        found.push("must not contain '..'".to_owned());
    }
    found
}

/// Findings about the key of a label or annotation (`example.com/name`).
#[must_use]
pub fn qualified_name(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    let parts: Vec<&str> = value.split('/').collect();
    let name = match parts[..] {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                found.push("prefix part must be non-empty".to_owned());
            } else {
                found.extend(
                    dns_subdomain(prefix)
                        .into_iter()
                        .map(|rule| format!("prefix part {rule}")),
                );
            }
            name
        }
        _ => {
            found.push(format!(
                "a qualified name {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                NAME_PART_RULE.trim_start_matches("name part ")
            ));
            return found;
        }
    };
    if name.is_empty() {
        found.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        found.push("name part must be no more than 63 bytes".to_owned());
    }
    if !is_name_part(name) {
        found.push(NAME_PART_RULE.to_owned());
    }
    found
}

/// Findings about the value of a label.
#[must_use]
pub fn label_value(value: &str) -> Vec<String> {
    let mut found = too_long(value, 63);
    if !value.is_empty() && !is_name_part(value) {
        found.push(NAME_RULE.to_owned());
    }
    found
}

/// Findings about a key in a ConfigMap or Secret.
#[must_use]
pub fn config_key(value: &str) -> Vec<String> {
    let mut found = too_long(value, 253);
    if value.is_empty()
        || !value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    {
        found.push(CONFIG_KEY_RULE.to_owned());
    } else if value == "." {
        found.push("must not be '.'".to_owned());
    } else if value == ".." {
        found.push("must not be '..'".to_owned());
    } else if value.starts_with("..") {
        found.push("must not start with '..'".to_owned());
    }
    found
}

/// Findings about the name of a port (`http`), at most 15 letters.
#[must_use]
pub fn port_name(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    if value.len() > 15 {
        found.push("must be no more than 15 characters".to_owned());
    }
    let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if !value.bytes().all(|b| lower(b) || b == b'-') {
        found.push(
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned(),
        );
    }
    if !found.is_empty() {
        return found;
    }
    if !value.bytes().any(|b| b.is_ascii_lowercase()) {
        found.push("must contain at least one letter (a-z)".to_owned());
    }
    if value.contains("--") {
        found.push("must not contain consecutive hyphens".to_owned());
    }
    if value.starts_with('-') || value.ends_with('-') {
        found.push("must not begin or end with a hyphen".to_owned());
    }
    found
}

/// Findings about a port number.
#[must_use]
pub fn port_number(value: i64) -> Vec<String> {
    match value {
        1..=65_535 => Vec::new(),
        _ => vec!["must be between 1 and 65535, inclusive".to_owned()],
    }
}

/// What is said of a text that is no address.
pub const NOT_AN_ADDRESS: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
/// What is said of a text that is no network.
pub const NOT_A_NETWORK: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/// What is wrong with a port given by number or by name.
pub fn port(value: &Value, field: &str, found: &mut Findings) {
    match value {
        Value::String(name) => found.all_invalid(field, value, port_name(name)),
        _ => {
            let number = value.as_i64().unwrap_or(0);
            found.all_invalid(field, &number.into(), port_number(number));
        }
    }
}

/// What is wrong with an address that others are to reach: those that mean something else.
pub fn special_address(address: IpAddr, field: &str, value: &Value, found: &mut Findings) {
    if address.is_unspecified() {
        let detail = format!("may not be unspecified ({address})");
        found.invalid(field, value, detail);
    }
    let (local, group) = match address {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(v6) => (
            v6.is_unicast_link_local(),
            v6.segments()[0] & 0xff0f == 0xff02,
        ),
    };
    for (breaks, detail) in [
        (
            address.is_loopback(),
            "may not be in the loopback range (127.0.0.0/8, ::1/128)",
        ),
        (
            local,
            "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
        ),
        (
            group,
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
        ),
    ] {
        if breaks {
            found.invalid(field, value, detail);
        }
    }
}

/// Whether this is an address with the length of its network's prefix.
#[must_use]
pub fn is_network(value: &str) -> bool {
    let Some((address, length)) = value.split_once('/') else {
        return false;
    };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    digits && length.parse::<u8>().is_ok_and(|length| length <= most)
}

fn too_long(value: &str, max: usize) -> Vec<String> {
    match value.len() > max {
        true => vec![format!("must be no more than {max} bytes")],
        false => Vec::new(),
    }
}

fn is_dns_label(value: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !value.is_empty()
        && value.bytes().all(inner)
        && !value.starts_with('-')
        && !value.ends_with('-')
}

fn is_name_part(value: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    edge(value.bytes().next()) && edge(value.bytes().last()) && value.bytes().all(inner)
}
