//! ServiceAccount tokens: signed JWTs (RFC 7519, ES256 of RFC 7518), made and read.
//!
//! The key is a number out of the seed, or one that the shell has drawn for a live cluster;
//! signatures draw no chance (RFC 6979), so the same account at the same time gets the same token.
//! Never asks whether an account or a pod is still there: that is [`super::authenticate`].

use super::base64::{decode_url, encode_url};
use crate::kind::look::text;
use clock::Seed;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey};
use rand::Rng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Who signs, and for whom a token is when nobody is named.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
/// The life of a token of a volume whose pod asks for as little as everybody: upstream extends
/// those to a year, so that programs that read the file once go on working.
const ASKED_BY_ALL: i64 = 3_607;
const YEAR: i64 = 365 * 24 * 3_600;

/// Signs tokens and knows its own again.
#[derive(Clone)]
pub(crate) struct Issuer {
    key: SigningKey,
    id: String,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issuer({})", self.id)
    }
}

/// What a token says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) account: &'a str,
    pub(crate) account_uid: &'a str,
    /// What the token is bound to, by upstream's word (`pod`, `secret`, `node`): name and uid.
    pub(crate) bound: Vec<(&'static str, &'a str, &'a str)>,
    /// Whom it is for; nobody stands for the API server.
    pub(crate) audiences: Vec<&'a str>,
    /// Unix seconds.
    pub(crate) issued: i64,
    /// For how many seconds it is asked.
    pub(crate) seconds: i64,
    /// What no other token has.
    pub(crate) id: String,
}

impl Issuer {
    /// The issuer of a world.
    pub(crate) fn of_seed(seed: Seed) -> Self {
        let mut secret = [0; 32];
        seed.stream("service-account-key").fill_bytes(&mut secret);
        Self::of_secret(secret)
    }

    /// The issuer with a key made from these bytes.
    pub(crate) fn of_secret(mut secret: [u8; 32]) -> Self {
        // Zero and numbers above the curve's order are no keys; they come once in 2³².
        let key = loop {
            match SigningKey::from_slice(&secret) {
                Ok(key) => break key,
                Err(_) => secret = Sha256::digest(secret).into(),
            }
        };
        let point = key.verifying_key().to_sec1_point(false);
        let id = encode_url(&Sha256::digest(point.as_bytes()));
        Self { key, id }
    }

    /// A token with these claims.
    pub(crate) fn issue(&self, claims: &Claims<'_>) -> String {
        let header = json!({"alg": "ES256", "kid": self.id});
        let said = format!(
            "{}.{}",
            encode_url(header.to_string().as_bytes()),
            encode_url(claims.to_value().to_string().as_bytes())
        );
        let signature: Signature = self.key.sign(said.as_bytes());
        let signature = encode_url(&signature.to_bytes());
        format!("{said}.{signature}")
    }

    /// What a token says, if it is one of ours; not whether it still holds.
    pub(crate) fn read(&self, token: &str) -> Option<Value> {
        let (said, signature) = token.rsplit_once('.')?;
        let (header, claims) = said.split_once('.')?;
        let part = |part: &str| serde_json::from_slice::<Value>(&decode_url(part)?).ok();
        let (header, claims) = (part(header)?, part(claims)?);
        if text(&header, "/alg") != "ES256" || text(&claims, "/iss") != ISSUER {
            return None;
        }
        let signature = Signature::from_slice(&decode_url(signature)?).ok()?;
        let known = self.key.verifying_key();
        known.verify(said.as_bytes(), &signature).ok()?;
        Some(claims)
    }

    /// The public key, as `/openid/v1/jwks` shows it (RFC 7517).
    pub(crate) fn key_set(&self) -> Value {
        let point = self.key.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        json!({"keys": [{
            "use": "sig", "kty": "EC", "kid": self.id, "crv": "P-256", "alg": "ES256",
            "x": encode_url(x), "y": encode_url(y),
        }]})
    }

    /// A number for a token that no other has, out of what it is about.
    pub(crate) fn id_of(&self, what: &str) -> String {
        let digest = Sha256::digest(format!("{}/{what}", self.id));
        let hex: String = digest[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!(
            "{}-{}-4{}-8{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..]
        )
    }
}

impl Claims<'_> {
    /// Whether a pod's token for so many seconds lasts longer than it is asked for.
    pub(crate) fn is_extended(seconds: i64, for_server: bool) -> bool {
        seconds == ASKED_BY_ALL && for_server
    }

    fn to_value(&self) -> Value {
        let audiences = match self.audiences.is_empty() {
            true => vec![ISSUER],
            false => self.audiences.clone(),
        };
        let of_pod = self.bound.iter().any(|(what, ..)| *what == "pod");
        let extended = of_pod && Self::is_extended(self.seconds, audiences == [ISSUER]);
        let mut own = json!({
            "namespace": self.namespace,
            "serviceaccount": {"name": self.account, "uid": self.account_uid},
        });
        for (what, name, uid) in &self.bound {
            own[*what] = json!({"name": name, "uid": uid});
        }
        if extended {
            own["warnafter"] = (self.issued + self.seconds).into();
        }
        let lasts = if extended { YEAR } else { self.seconds };
        json!({
            "aud": audiences,
            "exp": self.issued + lasts,
            "iat": self.issued,
            "iss": ISSUER,
            "jti": self.id,
            "kubernetes.io": own,
            "nbf": self.issued,
            "sub": format!("{}{}:{}", super::user::ACCOUNT, self.namespace, self.account),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> Issuer {
        Issuer::of_seed(Seed::new(7))
    }

    fn claims() -> Claims<'static> {
        Claims {
            namespace: "default",
            account: "default",
            account_uid: "u-1",
            bound: vec![("pod", "web", "u-2"), ("node", "node-1", "u-3")],
            audiences: Vec::new(),
            issued: 1_000,
            seconds: 3_607,
            id: "j".to_owned(),
        }
    }

    #[test]
    fn a_token_says_what_upstream_has_it_say() {
        let token = issuer().issue(&claims());
        let read = issuer().read(&token).expect("it is ours");
        assert_eq!(
            read.to_string(),
            r#"{"aud":["https://kubernetes.default.svc.cluster.local"],"exp":31537000,"iat":1000,"iss":"https://kubernetes.default.svc.cluster.local","jti":"j","kubernetes.io":{"namespace":"default","node":{"name":"node-1","uid":"u-3"},"pod":{"name":"web","uid":"u-2"},"serviceaccount":{"name":"default","uid":"u-1"},"warnafter":4607},"nbf":1000,"sub":"system:serviceaccount:default:default"}"#
        );
    }

    #[test]
    fn only_the_usual_time_is_extended_to_a_year() {
        let own = Claims {
            seconds: 600,
            audiences: vec!["vault"],
            ..claims()
        };
        let read = own.to_value();
        assert_eq!(
            (&read["exp"], &read["aud"]),
            (&json!(1_600), &json!(["vault"]))
        );
    }

    #[test]
    fn the_same_seed_signs_the_same_token_and_another_does_not_know_it() {
        let token = issuer().issue(&claims());
        assert_eq!(token, issuer().issue(&claims()));
        assert!(Issuer::of_seed(Seed::new(8)).read(&token).is_none());
        let mut forged = token.clone().into_bytes();
        forged[60] ^= 1;
        let forged = String::from_utf8_lossy(&forged).into_owned();
        assert!(issuer().read(&forged).is_none());
        let unsigned = format!("{}.", token.rsplit_once('.').expect("three parts").0);
        assert!(issuer().read(&unsigned).is_none());
    }
}
