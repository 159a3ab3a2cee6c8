//! What strangers may send: certificates, PEM, chains and handshakes changed at random.
//! Never asks for an answer, only that there is one: no panic, and an end.

use crate::ends::{NOW, self_signed};
use guest_tls::cert::{Certificate, Request};
use guest_tls::client::{Check, Options, Trust, Version, connect};
use guest_tls::key::{Key, PublicKey, generate_p256, generate_rsa};
use guest_tls::rustls::{ServerConfig, ServerConnection};
use guest_tls::verify::{Host, Purpose, Rules, verify_with};
use guest_tls::{Digest, pem, server};
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

fn p256() -> Key {
    generate_p256(&mut guest_tls::chance::fill)
}

/// Looks at everything that can be looked at.
fn look(certificate: &Certificate) {
    for extension in &certificate.extensions {
        let _ = (extension.basic_constraints(), extension.key_usage());
        let _ = (extension.purposes(), extension.authority());
        let _ = (extension.alt_names(), extension.key_id().is_some());
        let _ = extension.object.long();
    }
    let _ = (certificate.common_name(), certificate.is_self_issued());
    let trust = std::slice::from_ref(certificate);
    let rules = Rules::tls(Purpose::Server, Some(Host::parse("a.test")), NOW);
    let _ = verify_with(trust, trust, &rules, &mut |_| true);
}

#[test]
fn changed_certificates_are_read_or_refused() {
    let rsa = generate_rsa(1024, &mut guest_tls::chance::fill);
    let (one, two) = (
        self_signed(&p256(), "a.test", &["a.test", "*.b.test"]),
        self_signed(&rsa, "a.test", &[]),
    );
    let request = Request::build(&one.subject, &rsa, &one.extensions, Digest::Sha256);
    let request = request.expect("it can be signed");
    let corpus = [one.der(), two.der(), request.der()];
    trial::fuzz(
        2_000,
        &corpus,
        &[b"\x30\x84", b"\x02\x01", b"\x03\x00"],
        |bytes| {
            if let Ok(certificate) = Certificate::from_der(bytes) {
                look(&certificate);
            }
            if let Ok(request) = Request::from_der(bytes) {
                let _ = request.is_signed();
            }
            let _ = PublicKey::from_spki(bytes);
        },
    );
}

#[test]
fn changed_keys_and_texts_are_read_or_refused() {
    let rsa = generate_rsa(512, &mut guest_tls::chance::fill);
    let keys = [
        rsa.to_pkcs8(),
        rsa.to_traditional(true),
        p256().to_pkcs8(),
        p256().to_traditional(true),
    ];
    let texts = [
        rsa.to_pem(),
        p256().to_traditional_pem(),
        self_signed(&p256(), "x", &[]).to_pem(),
    ];
    let mut corpus: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    corpus.extend(texts.iter().map(String::as_bytes));
    let words: [&[u8]; 3] = [b"-----BEGIN ", b"-----END ", b"Proc-Type: 4,ENCRYPTED\n"];
    trial::fuzz(2_000, &corpus, &words, |bytes| {
        if let Ok(key) = Key::from_der(bytes) {
            // Whatever is accepted must sign what it verifies.
            if let Some(signature) = key.sign(Digest::Sha256, b"x") {
                let algorithm = match &key {
                    Key::Rsa(_) => "RSA-SHA256",
                    Key::P256(_) => "ecdsa-with-SHA256",
                };
                let algorithm = guest_tls::der::Object::named(algorithm).expect("it is known");
                assert!(key.public().verify(&algorithm, b"x", &signature));
            }
        }
        let _ = pem::read(bytes).is_ok();
        let _ = Certificate::all_from_pem(bytes).is_ok();
        let _ = Key::from_pem(bytes).is_ok();
    });
}

#[test]
fn chains_of_changed_certificates_are_judged_to_an_end() {
    let all: Vec<Certificate> = (0..4)
        .map(|_| self_signed(&p256(), "a.test", &["a.test"]))
        .collect();
    let whole: Vec<u8> = all
        .iter()
        .flat_map(|one| one.to_pem().into_bytes())
        .collect();
    let loops: Vec<u8> = all
        .iter()
        .rev()
        .flat_map(|one| one.to_pem().into_bytes())
        .collect();
    trial::fuzz(300, &[&whole, &loops], &[], |bytes| {
        if let Ok(chain) = Certificate::all_from_pem(bytes) {
            let rules = Rules::tls(Purpose::Server, None, NOW);
            let middle = chain.len() / 2;
            let _ = verify_with(&chain, &chain[middle..], &rules, &mut |_| true);
        }
    });
}

fn config() -> Arc<ServerConfig> {
    let key = p256();
    let pem = self_signed(&key, "a.test", &[]).to_pem();
    let (chain, key) = (pem.as_bytes(), key.to_pem());
    server::config(chain, key.as_bytes(), Version::Tls12, Version::Tls13).expect("it is a pair")
}

/// A peer that has said everything already; what is said to it is kept.
struct Canned<'a> {
    said: &'a [u8],
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Read for Canned<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.said.read(buffer)
    }
}

impl Write for Canned<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let mut heard = self.heard.lock().expect("nobody panicked");
        heard.extend_from_slice(buffer);
        Ok(buffer.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a client says first, and what the server answers, both ways.
fn first_words(max: Version) -> (Vec<u8>, Vec<u8>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut options = Options::new("a.test", Trust::default());
    options.max = max;
    let stream = Canned {
        said: b"",
        heard: Arc::clone(&heard),
    };
    assert!(connect(options, stream, NOW).is_err());
    let hello = heard.lock().expect("nobody panicked").clone();
    let mut server = ServerConnection::new(config()).expect("it is right");
    server.read_tls(&mut hello.as_slice()).expect("it is whole");
    server.process_new_packets().expect("it is a hello");
    let mut answer = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut answer).expect("memory is there");
    }
    (hello, answer)
}

#[test]
fn changed_handshakes_end_on_both_sides() {
    let (hello_3, answer_3) = first_words(Version::Tls13);
    let (hello_2, answer_2) = first_words(Version::Tls12);
    let config = config();
    let alert: &[u8] = b"\x15\x03\x03\x00\x02\x02\x28";
    let record: &[u8] = b"\x16\x03\x03\x40\x00";
    let corpus: [&[u8]; 4] = [&hello_3, &hello_2, &answer_3, &answer_2];
    trial::fuzz(400, &corpus, &[alert, record], |bytes| {
        let mut server = ServerConnection::new(config.clone()).expect("it is right");
        let mut rest = bytes;
        while server.read_tls(&mut rest).is_ok_and(|length| length > 0) {
            if server.process_new_packets().is_err() {
                break;
            }
        }
        for max in [Version::Tls12, Version::Tls13] {
            let mut options = Options::new("a.test", Trust::default());
            (options.check, options.max) = (Check::Nothing, max);
            let stream = Canned {
                said: bytes,
                heard: Arc::default(),
            };
            assert!(connect(options, stream, NOW).is_err());
        }
    });
}
