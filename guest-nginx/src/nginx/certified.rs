//! Clients with certificates: who may ask at all, and what variables say about theirs.
//! It believes what the handshake found; it verifies nothing.

use guest_tls::Digest;
use guest_tls::cert::{NameStyle, oneline, print_name};
use guest_tls::der::civil;
use guest_tls::text::to_hex;
use guest_tls::verify::Code;

use super::turn::Turn;
use crate::conf::model::{Ask, Level};
use crate::reply::Shown;
use crate::vars::About;

const DAY: i64 = 24 * 60 * 60;

/// What only an unknown signer is to blame for.
const UNSIGNED: [Code; 4] = [
    Code::SelfSigned,
    Code::SelfSignedInChain,
    Code::UnableToGetLocalIssuer,
    Code::UnableToVerifyFirst,
];

impl Turn<'_> {
    /// The status for a client that is not whom the server wants to talk to.
    pub(super) fn stranger(&mut self) -> Option<u16> {
        let tls = self.client.tls.as_ref()?;
        let (said, host) = (&tls.server_name, &self.request.host);
        let ask = self.server.clients.ask;
        if ask != Ask::Nobody && !said.is_empty() && !host.is_empty() && said != host {
            let words = "client attempted to request the server name different from the one \
                         that was negotiated";
            self.note(Level::Info, words.to_owned());
            return Some(421);
        }
        match (&tls.shown, ask) {
            (_, Ask::Nobody) => None,
            (None, Ask::Required) => {
                let words = "client sent no required SSL certificate";
                self.note(Level::Info, words.to_owned());
                Some(496)
            }
            (None, Ask::Optional | Ask::Unsigned) => None,
            (Some(shown), _) => {
                let error = shown.verdict.err()?;
                if ask == Ask::Unsigned && UNSIGNED.contains(&error.code) {
                    return None;
                }
                let (number, text) = (error.code.number(), error.code.text());
                let words = format!("client SSL certificate verify error: ({number}:{text})");
                self.note(Level::Info, words);
                Some(495)
            }
        }
    }
}

/// What a variable says; nothing without a certificate, but for the verdict.
pub(super) fn value(shown: Option<&Shown>, about: About, now: u64) -> String {
    let Some(shown) = shown else {
        return match about {
            About::Verify => "NONE".to_owned(),
            _ => String::new(),
        };
    };
    let own = &shown.certificate;
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    match about {
        About::Verify => match shown.verdict {
            Ok(()) => "SUCCESS".to_owned(),
            Err(error) => format!("FAILED:{}", error.code.text()),
        },
        About::Subject => print_name(&own.subject, NameStyle::Rfc2253),
        About::Issuer => print_name(&own.issuer, NameStyle::Rfc2253),
        About::LegacySubject => oneline(&own.subject),
        About::LegacyIssuer => oneline(&own.issuer),
        About::Serial => {
            let serial = own.serial.strip_prefix(&[0]).unwrap_or(&own.serial);
            to_hex(serial).to_uppercase()
        }
        About::Fingerprint => to_hex(&Digest::Sha1.of(own.der())),
        About::Start => civil(own.not_before).to_openssl(),
        About::End => civil(own.not_after).to_openssl(),
        About::Remain => ((own.not_after - now) / DAY).max(0).to_string(),
        About::RawCert => own.to_pem(),
        // Each line but the first begins with a tab, so that it can stand in a header.
        About::Cert => own.to_pem().trim_end().replace('\n', "\n\t"),
        About::EscapedCert => escaped(&own.to_pem()),
    }
}

/// As in a URL's component.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
