//! Client and server of this crate against each other.
//! Never asks what other implementations think; `guest-openssl` does.

use crate::ends::{NOW, echo, self_signed};
use guest_tls::client::{self, Check, Options, TlsError, Trust, Version};
use guest_tls::key::{Key, generate_p256, generate_rsa};
use guest_tls::server;
use guest_tls::verify::{Code, Host, Manner, matches};
use std::io::{Read, Write};

fn keys() -> Vec<Key> {
    let mut chance = guest_tls::chance::fill;
    vec![generate_rsa(2048, &mut chance), generate_p256(&mut chance)]
}

#[test]
fn both_versions_work_with_both_kinds_of_keys() {
    for key in keys() {
        let certificate = self_signed(&key, "my-nginx", &[]);
        let pem = certificate.to_pem();
        for version in [Version::Tls12, Version::Tls13] {
            let config = server::config(
                pem.as_bytes(),
                key.to_pem().as_bytes(),
                Version::Tls12,
                Version::Tls13,
            )
            .expect("it is a pair");
            let (stream, server) = echo(config);
            let trust = Trust::from_pem(pem.as_bytes()).expect("it is a certificate");
            let mut options = Options::new("my-nginx", trust);
            (options.min, options.max) = (version, version);
            let mut tls = client::connect(options, stream, NOW).expect("they agree");
            assert_eq!(tls.version(), version);
            assert!(
                tls.cipher().ends_with("AES256-GCM-SHA384")
                    || tls.cipher().ends_with("AES_256_GCM_SHA384")
            );
            assert_eq!(tls.peer_certificates(), std::slice::from_ref(&certificate));
            // More than one record, so that sequence numbers and fragments are met.
            let sent: Vec<u8> = (0..100_000_u32).map(|at| at.to_le_bytes()[0]).collect();
            let mut got = Vec::new();
            for chunk in sent.chunks(10_000) {
                tls.write_all(chunk).expect("it is open");
                let mut back = vec![0; chunk.len()];
                tls.read_exact(&mut back).expect("it comes back");
                got.extend(back);
            }
            assert_eq!(got, sent);
            tls.close_notify().expect("it is open");
            assert_eq!(tls.read(&mut [0; 8]).expect("it ends"), 0);
            assert!(tls.ended_properly());
            drop(tls);
            assert_eq!(server.join().expect("no panic"), Ok(()));
        }
    }
}

fn failure(options: Options, key: &Key, pem: &str) -> Result<Version, TlsError> {
    let config = server::config(
        pem.as_bytes(),
        key.to_pem().as_bytes(),
        Version::Tls12,
        Version::Tls13,
    )
    .expect("it is a pair");
    let (stream, _) = echo(config);
    client::connect(options, stream, NOW).map(|stream| stream.version())
}

#[test]
fn a_stranger_a_wrong_name_and_a_wrong_time_are_different_failures() {
    let key = generate_p256(&mut guest_tls::chance::fill);
    let certificate = self_signed(&key, "nginxsvc", &[]);
    let pem = certificate.to_pem();
    let trusted = || Trust::from_pem(pem.as_bytes()).expect("it is a certificate");
    let code = |options: Options| match failure(options, &key, &pem) {
        Err(TlsError::Verify(error)) => error.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        code(Options::new("nginxsvc", Trust::default())),
        Code::SelfSigned
    );
    assert_eq!(
        code(Options::new("my-nginx", trusted())),
        Code::HostnameMismatch
    );
    assert_eq!(code(Options::new("10.0.0.1", trusted())), Code::IpMismatch);
    let mut chain_only = Options::new("my-nginx", trusted());
    chain_only.check = Check::Chain;
    assert!(failure(chain_only, &key, &pem).is_ok());
    let mut careless = Options::new("my-nginx", Trust::default());
    careless.check = Check::Nothing;
    assert!(failure(careless, &key, &pem).is_ok());
}

#[test]
fn a_server_that_speaks_no_tls_is_told_in_openssls_words() {
    let (stream, mut server) = std::os::unix::net::UnixStream::pair().expect("socket pairs");
    server
        .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .expect("it is open");
    let options = Options::new("localhost", Trust::default());
    let error = client::connect(options, stream, NOW).expect_err("it speaks HTTP");
    assert_eq!(
        error.to_string(),
        "error:0A00010B:SSL routines::wrong version number"
    );
}

#[test]
fn the_name_said_chooses_the_certificate() {
    let keys = [
        generate_p256(&mut guest_tls::chance::fill),
        generate_p256(&mut guest_tls::chance::fill),
    ];
    let names = [&["a.test"][..], &["*.b.test"]];
    let identities = keys
        .iter()
        .zip(names)
        .map(|(key, names)| server::Identity::new(vec![self_signed(key, "x", names)], key.clone()));
    let lists = names.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    let config = server::config_with(server::Options {
        identities: identities.collect(),
        choose: server::by_names(lists.to_vec()),
        alpn: vec![b"http/1.1".to_vec()],
        ask: None,
        min: Version::Tls12,
        max: Version::Tls13,
    });
    for name in ["a.test", "www.b.test", "other.test"] {
        let (stream, _) = echo(config.clone());
        let mut options = Options::new(name, Trust::default());
        options.check = Check::Nothing;
        options.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let tls = client::connect(options, stream, NOW).expect("nothing is checked");
        assert_eq!(tls.alpn(), Some(&b"http/1.1"[..]));
        assert_eq!(
            tls.verdict().map_err(|error| error.code),
            Err(Code::SelfSigned)
        );
        let own = |name: &str| {
            let host = Host::parse(name);
            matches(&tls.peer_certificates()[0], &host, Manner::OpenSsl)
        };
        assert_eq!(own("www.b.test"), name == "www.b.test");
        assert_eq!(own("a.test"), name != "www.b.test");
    }
}
