//! Defaults and checks of NetworkPolicies, in upstream's words and order. Never says what a policy
//! lets through.

use super::look::{list, text};
use super::{Findings, items_mut, meta, set_default, words};
use serde_json::{Value, json};
use std::net::IpAddr;

/// A policy is about what comes in, and about what goes out when it says so.
pub(super) fn policy(policy: &mut Value) {
    set_default(policy, "spec", json!({}));
    let spec = &mut policy["spec"];
    set_default(spec, "podSelector", json!({}));
    let types = match list(spec, "/egress").is_empty() {
        true => json!(["Ingress"]),
        false => json!(["Ingress", "Egress"]),
    };
    set_default(spec, "policyTypes", types);
    for direction in ["ingress", "egress"] {
        for rule in items_mut(spec, direction) {
            for port in items_mut(rule, "ports") {
                set_default(port, "protocol", "TCP");
            }
        }
    }
}

/// What is wrong with a policy.
pub(super) fn check_policy(policy: &Value, found: &mut Findings) {
    meta::label_selector(&policy["spec"]["podSelector"], "spec.podSelector", found);
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        let rules = list(policy, &format!("/spec/{direction}")).iter();
        for (at, rule) in rules.enumerate() {
            let at = format!("spec.{direction}[{at}]");
            for (index, port) in list(rule, "/ports").iter().enumerate() {
                check_port(port, &format!("{at}.ports[{index}]"), found);
            }
            for (index, peer) in list(rule, &format!("/{peers}")).iter().enumerate() {
                check_peer(peer, &format!("{at}.{peers}[{index}]"), found);
            }
        }
    }
    let types = list(policy, "/spec/policyTypes");
    if types.len() > 2 {
        let detail = "may not specify more than two policyTypes";
        return found.invalid("spec.policyTypes", &types.into(), detail);
    }
    for (index, type_) in types.iter().enumerate() {
        let at = format!("spec.policyTypes[{index}]");
        found.one_of(&at, type_, &["Egress", "Ingress"]);
    }
}

fn check_port(port: &Value, at: &str, found: &mut Findings) {
    let protocol = format!("{at}.protocol");
    found.one_of(&protocol, &port["protocol"], &["SCTP", "TCP", "UDP"]);
    let end = &port["endPort"];
    let wrong_end = |found: &mut Findings, value: &Value, detail: &str| {
        found.invalid(format!("{at}.endPort"), value, detail);
    };
    match &port["port"] {
        Value::Null if end.is_null() => {}
        Value::Null => wrong_end(
            found,
            end,
            "may not be specified when `port` is not specified",
        ),
        name @ Value::String(_) => {
            if !end.is_null() {
                wrong_end(
                    found,
                    end,
                    "may not be specified when `port` is non-numeric",
                );
            }
            words::port(name, &format!("{at}.port"), found);
        }
        first => {
            words::port(first, &format!("{at}.port"), found);
            if let Some(last) = end.as_i64() {
                if Some(last) < first.as_i64() {
                    wrong_end(found, first, "must be greater than or equal to `port`");
                }
                found.all_invalid(&format!("{at}.endPort"), end, words::port_number(last));
            }
        }
    }
}

/// A peer is named in one way.
fn check_peer(peer: &Value, at: &str, found: &mut Findings) {
    let mut ways = 0;
    for field in ["podSelector", "namespaceSelector"] {
        if !peer[field].is_null() {
            ways += 1;
            meta::label_selector(&peer[field], &format!("{at}.{field}"), found);
        }
    }
    let block = &peer["ipBlock"];
    if !block.is_null() {
        check_block(block, &format!("{at}.ipBlock"), found);
    }
    match (ways, block.is_null()) {
        (0, true) => found.required(at, "must specify a peer"),
        (1.., false) => found.forbidden(at, "may not specify both ipBlock and another peer"),
        _ => {}
    }
}

fn check_block(block: &Value, at: &str, found: &mut Findings) {
    let whole = text(block, "/cidr");
    if whole.is_empty() {
        return found.required(format!("{at}.cidr"), "");
    }
    let Some(range) = network(whole) else {
        return found.invalid(format!("{at}.cidr"), &whole.into(), words::NOT_A_NETWORK);
    };
    for (index, except) in list(block, "/except").iter().enumerate() {
        let at = format!("{at}.except[{index}]");
        match network(except.as_str().unwrap_or_default()) {
            None => found.invalid(at, except, words::NOT_A_NETWORK),
            Some(part) if !is_part(part, range) => {
                found.invalid(at, except, "must be a strict subset of `cidr`");
            }
            Some(_) => {}
        }
    }
}

/// An address with the number of bits that count.
fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.parse().ok().filter(|bits| *bits <= most)?;
    Some((address, bits))
}

/// Whether a network lies in a larger one.
fn is_part(part: (IpAddr, u32), of: (IpAddr, u32)) -> bool {
    let head = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    let differ = head(part.0) ^ head(of.0);
    part.0.is_ipv4() == of.0.is_ipv4() && part.1 > of.1 && differ.leading_zeros() >= of.1
}
