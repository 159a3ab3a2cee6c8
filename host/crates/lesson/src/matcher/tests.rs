//! What a shape takes and refuses. Never runs a lesson.

use super::*;
use crate::parse::read_matcher;
use serde_json::json;

#[track_caller]
fn check(shape: &str, value: &Value) -> Result<(), Mismatch> {
    let captures = Captures::from([
        ("port".into(), "8080".into()),
        ("ip".into(), "10.0.0.1".into()),
    ]);
    read_matcher(shape).unwrap().check(Some(value), &captures)
}

#[test]
fn every_operator_tells_right_from_wrong() {
    for (shape, right, wrong) in [
        ("80", json!(80), json!(81)),
        ("80", json!(80.0), json!("80")),
        ("'@(port)'", json!(8080), json!(80)),
        ("'@(port)'", json!("8080"), json!("x")),
        (
            "{ a: { b: 1 } }",
            json!({"a": {"b": 1, "c": 2}}),
            json!({"a": {"c": 2}}),
        ),
        ("[1, 2]", json!([1, 2]), json!([1, 2, 3])),
        (
            "{ $contains: Welcome }",
            json!("Welcome to nginx!"),
            json!("It works!"),
        ),
        (
            "{ $contains: { port: 80 } }",
            json!([{"port": 81}, {"port": 80}]),
            json!([{"port": 81}]),
        ),
        ("{ $not_contains: x }", json!("abc"), json!("xyz")),
        (
            "{ $matches: '^v1\\.\\d+' }",
            json!("v1.36.2"),
            json!("1.36"),
        ),
        ("{ $one_of: [a, b] }", json!("b"), json!("c")),
        ("{ $gte: 2 }", json!(2), json!(1)),
        ("{ $lte: 2 }", json!(2), json!(3)),
        ("{ $between: [4800, 5200] }", json!(5037), json!(4799)),
        ("{ $is: ip }", json!("fd00::1"), json!("ten")),
        ("{ $is: ipv4 }", json!("10.0.0.1"), json!("fd00::1")),
        ("{ $is: ipv6 }", json!("fd00::1"), json!("10.0.0.1")),
        ("{ $is: cidr }", json!("10.0.0.0/8"), json!("10.0.0.0/40")),
        ("{ $is: port }", json!(80), json!(0)),
        ("{ $is: nodeport }", json!(31848), json!(80)),
        ("{ $is: hash }", json!("7d945c79f8"), json!("A-B")),
        ("{ $is: int }", json!("5"), json!("five")),
        ("{ $is: duration }", json!("4m3s"), json!("soon")),
        ("{ $is: base64 }", json!("aGVsbG8="), json!("hello!")),
        (
            "{ $is: pem-cert }",
            json!("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"),
            json!("x"),
        ),
        (
            "{ $is: pem-key }",
            json!("-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"),
            json!("x"),
        ),
        (
            "{ $in_cidr: 10.96.0.0/12 }",
            json!("10.109.166.161"),
            json!("10.244.0.1"),
        ),
        ("{ $count: 2 }", json!([1, 2]), json!([1])),
        ("{ $count: { $gte: 2 } }", json!([1, 2]), json!([1])),
        (
            "{ $each: { ok: true } }",
            json!([{"ok": true}, {"ok": true}]),
            json!([{"ok": true}, {"ok": false}]),
        ),
        (
            "{ $any: { port: '@(port)' } }",
            json!([{"port": 80}, {"port": 8080}]),
            json!([{"port": 80}]),
        ),
        ("{ $set: [a, b] }", json!(["b", "a"]), json!(["a", "a"])),
        ("{ a: { $absent: true } }", json!({}), json!({"a": 1})),
        ("{ $not: '@(ip)' }", json!("10.0.0.2"), json!("10.0.0.1")),
        ("{ $cel: 'self > 3' }", json!(4), json!(3)),
        ("{ $gte: 1, $lte: 3 }", json!(2), json!(4)),
    ] {
        assert_eq!(check(shape, &right), Ok(()), "{shape} {right}");
        assert!(check(shape, &wrong).is_err(), "{shape} {wrong}");
    }
}

#[test]
fn a_mismatch_says_where_what_and_what_instead() {
    let wrong = check(
        "{ spec: { ports: [{ port: '@(port)' }] } }",
        &json!({"spec": {"ports": [{"port": 80}]}}),
    );
    assert_eq!(
        wrong,
        Err(Mismatch {
            path: "spec.ports[0].port".into(),
            expected: "\"8080\"".into(),
            seen: Some("80".into())
        })
    );
    let missing = check("{ spec: { type: ClusterIP } }", &json!({"spec": {}})).unwrap_err();
    assert_eq!((missing.path.as_str(), missing.seen), ("spec.type", None));
    let operator = check("{ a: { $between: [1, 3] } }", &json!({"a": 9})).unwrap_err();
    assert_eq!(
        (operator.path.as_str(), operator.expected.as_str()),
        ("a", "1…3")
    );
}
