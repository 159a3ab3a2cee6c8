//! The verifier against `openssl verify`: the same chains, the same first complaint.
//! Never a chain written down: all are made here, with keys of chance.

use crate::ends::NOW;
use guest_tls::Digest;
use guest_tls::cert::{Builder, Certificate, Making, Name, make_extension};
use guest_tls::key::{Key, generate_p256, generate_rsa};
use guest_tls::verify::{Code, Host, Purpose, Rules, verify_with};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Somebody with a key and a certificate.
#[derive(Clone)]
struct Party {
    key: Key,
    certificate: Certificate,
}

/// What differs from a plain certificate of a year around now.
#[derive(Clone, Copy)]
struct Plan<'a> {
    subject: &'a str,
    extensions: &'a [(&'a str, &'a str)],
    /// Days before and after now.
    days: (i64, i64),
    digest: Digest,
}

const CA: &[(&str, &str)] = &[
    ("subjectKeyIdentifier", "hash"),
    ("authorityKeyIdentifier", "keyid"),
    ("basicConstraints", "critical,CA:TRUE"),
];
const LEAF: &[(&str, &str)] = &[
    ("basicConstraints", "CA:FALSE"),
    ("subjectAltName", "DNS:host.test"),
];

fn plan<'a>(subject: &'a str, extensions: &'a [(&'a str, &'a str)]) -> Plan<'a> {
    Plan {
        subject,
        extensions,
        days: (10, 365),
        digest: Digest::Sha256,
    }
}

fn p256() -> Key {
    generate_p256(&mut guest_tls::chance::fill)
}

fn make(plan: Plan<'_>, key: Key, issuer: Option<&Party>) -> Party {
    let public = key.public();
    let issuer_key = issuer.map(|issuer| issuer.key.public());
    let making = Making {
        subject_key: Some(&public),
        issuer: issuer.map(|issuer| &issuer.certificate),
        issuer_key: Some(issuer_key.as_ref().unwrap_or(&public)),
    };
    let extension = |(name, value): &(&str, &str)| {
        make_extension(name, value, &making).expect("the words are right")
    };
    let subject = Name::common(plan.subject);
    let builder = Builder {
        serial: Builder::random_serial(&mut guest_tls::chance::fill),
        issuer: issuer.map_or_else(|| subject.clone(), |one| one.certificate.subject.clone()),
        subject,
        not_before: NOW - plan.days.0 * 86_400,
        not_after: NOW + plan.days.1 * 86_400,
        key: public.clone(),
        extensions: plan.extensions.iter().filter_map(extension).collect(),
    };
    let signer = issuer.map_or(&key, |issuer| &issuer.key);
    let certificate = builder.sign(signer, plan.digest).expect("it can be signed");
    Party { key, certificate }
}

fn root() -> Party {
    make(plan("Root", CA), p256(), None)
}

fn under(plan: Plan<'_>, issuer: &Party) -> Party {
    make(plan, p256(), Some(issuer))
}

/// One question to both verifiers.
struct Question {
    name: &'static str,
    chain: Vec<Certificate>,
    trust: Vec<Certificate>,
    host: Option<&'static str>,
    purpose: Purpose,
    level: u8,
}

impl Question {
    fn new(name: &'static str, chain: &[&Party], trust: &[&Party]) -> Self {
        let all = |parties: &[&Party]| parties.iter().map(|one| one.certificate.clone()).collect();
        Self {
            name,
            chain: all(chain),
            trust: all(trust),
            host: None,
            purpose: Purpose::Any,
            level: 0,
        }
    }

    fn host(mut self, host: &'static str) -> Self {
        self.host = Some(host);
        self
    }

    fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    fn level(mut self, level: u8) -> Self {
        self.level = level;
        self
    }

    fn ours(&self) -> Option<(i32, usize)> {
        let rules = Rules {
            purpose: self.purpose,
            host: self.host.map(Host::parse),
            now: NOW,
            level: self.level,
            depth: 100,
        };
        let result = verify_with(&self.chain, &self.trust, &rules, &mut |event| {
            event.code == Code::Ok
        });
        result.err().map(|error| (error.code.number(), error.depth))
    }

    fn theirs(&self) -> (Option<(i32, usize)>, String) {
        let folder = folder(self.name);
        let write = |name: &str, certificates: &[Certificate]| {
            let text: String = certificates.iter().map(Certificate::to_pem).collect();
            let path = folder.join(name);
            fs::write(&path, text).expect("the temporary directory is writable");
            path
        };
        let mut command = Command::new(trial::installed("openssl", "openssl"));
        command
            .arg("verify")
            .arg("-CAfile")
            .arg(write("trust", &self.trust))
            .args(["-no-CApath", "-no-CAstore", "-attime", &NOW.to_string()])
            .args(["-auth_level", &self.level.to_string()]);
        if self.chain.len() > 1 {
            command
                .arg("-untrusted")
                .arg(write("rest", &self.chain[1..]));
        }
        match self.purpose {
            Purpose::Any => {}
            Purpose::Server => drop(command.args(["-purpose", "sslserver"])),
            Purpose::Client => drop(command.args(["-purpose", "sslclient"])),
        }
        match self.host.map(|host| (host, Host::parse(host))) {
            Some((host, Host::Name(_))) => drop(command.args(["-verify_hostname", host])),
            Some((host, Host::Ip(_))) => drop(command.args(["-verify_ip", host])),
            None => {}
        }
        let output = command
            .arg(write("first", &self.chain[..1]))
            .output()
            .expect("openssl starts");
        // What cannot be removed stays in the temporary directory.
        let _ = fs::remove_dir_all(&folder);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let complaint = text.lines().find_map(|line| {
            let (number, rest) = line.strip_prefix("error ")?.split_once(" at ")?;
            let depth = rest.split(' ').next()?;
            Some((number.parse().ok()?, depth.parse().ok()?))
        });
        (complaint, text)
    }
}

fn folder(name: &str) -> PathBuf {
    let plain = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let folder = std::env::temp_dir().join(format!("verifier-{}-{plain}", std::process::id()));
    fs::create_dir_all(&folder).expect("the temporary directory is writable");
    folder
}

fn ask(questions: &[Question]) {
    let findings: Vec<String> = questions
        .iter()
        .filter_map(|question| {
            let (ours, (theirs, text)) = (question.ours(), question.theirs());
            let name = question.name;
            (ours != theirs).then(|| format!("{name}: ours {ours:?}, theirs {theirs:?}\n{text}"))
        })
        .collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn roots_and_gaps_are_judged_as_openssl_judges_them() {
    let root = root();
    let other = self::root();
    let middle = under(plan("Middle", CA), &root);
    let leaf = under(plan("host.test", LEAF), &middle);
    let direct = under(plan("host.test", LEAF), &root);
    let lone = make(plan("my-nginx", &[]), p256(), None);
    let lone_ca = make(plan("my-nginx", CA), p256(), None);
    let lone_leaf = make(plan("my-nginx", LEAF), p256(), None);
    let foreign = make(plan("Root", CA), p256(), None);
    let mut broken = direct.clone();
    let mut der = broken.certificate.der().to_vec();
    let last = der.len() - 1;
    der[last] ^= 1;
    broken.certificate = Certificate::from_der(&der).expect("only the signature changed");
    ask(&[
        Question::new("a root and a leaf", &[&direct], &[&root]),
        Question::new("a whole chain", &[&leaf, &middle], &[&root]),
        Question::new("a chain with its root", &[&leaf, &middle, &root], &[&root]),
        Question::new("a chain out of order", &[&leaf, &root, &middle], &[&root]),
        Question::new("a missing middle", &[&leaf], &[&root]),
        Question::new("nobody trusted", &[&direct], &[&lone]),
        Question::new(
            "a root that is not trusted",
            &[&leaf, &middle, &root],
            &[&lone],
        ),
        Question::new("a root of the same name", &[&direct], &[&other]),
        Question::new("a self-signed stranger", &[&lone], &[&root]),
        Question::new("a trusted self-signed one", &[&lone], &[&lone]),
        Question::new("a trusted self-signed CA", &[&lone_ca], &[&lone_ca]),
        Question::new("a trusted self-signed leaf", &[&lone_leaf], &[&lone_leaf]),
        Question::new("a self-signed double", &[&foreign], &[&root]),
        Question::new("only the middle trusted", &[&leaf], &[&middle]),
        Question::new("middle and root trusted", &[&leaf], &[&middle, &root]),
        Question::new("a leaf trusted itself", &[&direct], &[&direct]),
        Question::new("a wrong signature", &[&broken], &[&root]),
        Question::new("two roots of one name", &[&direct], &[&other, &root]),
        Question::new("a stray certificate", &[&direct, &lone], &[&root]),
    ]);
}

#[test]
fn times_are_judged_as_openssl_judges_them() {
    let root = root();
    let past = Plan {
        days: (30, -1),
        ..plan("host.test", LEAF)
    };
    let future = Plan {
        days: (-1, 30),
        ..plan("host.test", LEAF)
    };
    let old_root = make(
        Plan {
            days: (30, -1),
            ..plan("Root", CA)
        },
        p256(),
        None,
    );
    let renewed = Party {
        key: old_root.key.clone(),
        ..make(plan("Root", CA), old_root.key.clone(), None)
    };
    let far = Plan {
        days: (30, 365 * 40),
        ..plan("host.test", LEAF)
    };
    let by_old = under(plan("host.test", LEAF), &old_root);
    let lone_old = make(past, p256(), None);
    ask(&[
        Question::new("expired", &[&under(past, &root)], &[&root]),
        Question::new("not yet valid", &[&under(future, &root)], &[&root]),
        Question::new("beyond 2050", &[&under(far, &root)], &[&root]),
        Question::new("an expired root", &[&by_old], &[&old_root]),
        Question::new("a renewed root", &[&by_old], &[&old_root, &renewed]),
        Question::new("an expired stranger", &[&lone_old], &[&root]),
        Question::new("an expired trusted one", &[&lone_old], &[&lone_old]),
    ]);
}

#[test]
fn extensions_are_judged_as_openssl_judges_them() {
    let root = root();
    let no_ca = under(plan("Middle", LEAF), &root);
    let bare = under(plan("Middle", &[]), &root);
    let bare_root = make(plan("Root", &[]), p256(), None);
    let usage = &[
        ("basicConstraints", "CA:TRUE"),
        ("keyUsage", "digitalSignature"),
    ];
    let no_sign = under(plan("Middle", usage), &root);
    let only_usage = under(plan("Middle", &[("keyUsage", "keyCertSign")]), &root);
    let short = &[("basicConstraints", "critical,CA:TRUE,pathlen:0")];
    let short_root = make(plan("Root", short), p256(), None);
    let short_middle = under(plan("Middle", CA), &short_root);
    let deep = under(plan("host.test", LEAF), &short_middle);
    let client = &[
        ("extendedKeyUsage", "clientAuth"),
        ("basicConstraints", "CA:FALSE"),
    ];
    let server = &[
        ("extendedKeyUsage", "serverAuth,clientAuth"),
        ("keyUsage", "critical,digitalSignature"),
    ];
    let cert_sign = &[("keyUsage", "critical,keyCertSign")];
    let unknown = &[("nsComment", "critical,made by hand")];
    let other_id = &[
        ("subjectKeyIdentifier", "01:02"),
        ("basicConstraints", "CA:TRUE"),
    ];
    let id_root = make(plan("Root", other_id), root.key.clone(), None);
    let by_root = under(
        plan(
            "host.test",
            &[("authorityKeyIdentifier", "keyid,issuer:always")],
        ),
        &root,
    );
    let leaf = |issuer: &Party| under(plan("host.test", LEAF), issuer);
    let client_ca = &[
        ("basicConstraints", "CA:TRUE"),
        ("extendedKeyUsage", "clientAuth"),
    ];
    let for_clients = under(plan("Middle", client_ca), &root);
    let lone_client = make(plan("host.test", client), p256(), None);
    ask(&[
        Question::new("a middle that is no CA", &[&leaf(&no_ca), &no_ca], &[&root]),
        Question::new(
            "a middle that says nothing",
            &[&leaf(&bare), &bare],
            &[&root],
        ),
        Question::new("a root of version 1", &[&leaf(&bare_root)], &[&bare_root]),
        Question::new(
            "a middle that may not sign",
            &[&leaf(&no_sign), &no_sign],
            &[&root],
        ),
        Question::new(
            "a CA by its usage alone",
            &[&leaf(&only_usage), &only_usage],
            &[&root],
        ),
        Question::new("a path too long", &[&deep, &short_middle], &[&short_root]),
        Question::new(
            "a path just long enough",
            &[&leaf(&short_root)],
            &[&short_root],
        ),
        Question::new(
            "a client's certificate for anything",
            &[&under(plan("c", client), &root)],
            &[&root],
        ),
        Question::new(
            "a client's certificate for a server",
            &[&under(plan("c", client), &root)],
            &[&root],
        )
        .purpose(Purpose::Server),
        Question::new(
            "a server's certificate",
            &[&under(plan("c", server), &root)],
            &[&root],
        )
        .purpose(Purpose::Server),
        Question::new(
            "a server's certificate for a client",
            &[&under(plan("c", server), &root)],
            &[&root],
        )
        .purpose(Purpose::Client),
        Question::new(
            "a server that signs only",
            &[&under(plan("c", cert_sign), &root)],
            &[&root],
        )
        .purpose(Purpose::Server),
        Question::new("a CA as a server", &[&root], &[&root]).purpose(Purpose::Server),
        Question::new(
            "a CA for clients",
            &[&leaf(&for_clients), &for_clients],
            &[&root],
        )
        .purpose(Purpose::Server),
        Question::new(
            "a lone client as a server",
            &[&lone_client],
            &[&lone_client],
        )
        .purpose(Purpose::Server),
        Question::new(
            "an unknown critical extension",
            &[&under(plan("c", unknown), &root)],
            &[&root],
        ),
        Question::new("a root with another identifier", &[&by_root], &[&id_root]),
        Question::new("an authority with its serial", &[&by_root], &[&root]),
        Question::new(
            "the right one of two by serial",
            &[&by_root],
            &[&id_root, &root],
        ),
    ]);
}

#[test]
fn keys_and_digests_too_weak_are_told_as_openssl_tells_them() {
    let mut chance = guest_tls::chance::fill;
    let weak = generate_rsa(1024, &mut chance);
    let strong = generate_rsa(2048, &mut chance);
    let root = make(plan("Root", CA), strong.clone(), None);
    let weak_root = make(plan("Weak", CA), weak.clone(), None);
    let old = Plan {
        digest: Digest::Sha1,
        ..plan("host.test", LEAF)
    };
    let old_leaf = under(old, &root);
    let weak_leaf = make(plan("host.test", LEAF), weak, Some(&root));
    let rsa = make(plan("host.test", LEAF), strong, Some(&root));
    let by_weak = under(plan("host.test", LEAF), &weak_root);
    let old_lone = make(old, p256(), None);
    let question = |name, chain: &Party, trust: &Party, level| {
        Question::new(name, &[chain], &[trust]).level(level)
    };
    ask(&[
        question("rsa at level 2", &rsa, &root, 2),
        question("rsa at level 3", &rsa, &root, 3),
        question("a weak leaf at level 0", &weak_leaf, &root, 0),
        question("a weak leaf at level 2", &weak_leaf, &root, 2),
        question("a weak root at level 1", &by_weak, &weak_root, 1),
        question("a weak root at level 2", &by_weak, &weak_root, 2),
        question("sha1 at level 0", &old_leaf, &root, 0),
        question("sha1 at level 1", &old_leaf, &root, 1),
        question("sha1 signing itself at level 2", &old_lone, &old_lone, 2),
    ]);
}

#[test]
fn names_are_compared_as_openssl_compares_them() {
    let root = root();
    let with = |names: &str| {
        let extensions = [("subjectAltName", names)];
        under(plan("common.test", &extensions), &root)
    };
    let plain = under(plan("common.test", &[]), &root);
    let star_common = under(plan("*.common.test", &[]), &root);
    let ask_name = |name, leaf: &Party, host| Question::new(name, &[leaf], &[&root]).host(host);
    let two = with("DNS:a.test,DNS:b.test,IP:10.0.0.1");
    let star = with("DNS:*.star.test");
    let part = with("DNS:w*.part.test");
    let end = with("DNS:*w.part.test");
    let inside = with("DNS:a*b.part.test");
    let top = with("DNS:*.test");
    let second = with("DNS:a.*.test");
    let mail = with("email:x@common.test");
    let address = with("IP:10.0.0.1");
    let six = with("IP:fd00::1");
    ask(&[
        ask_name("the first name", &two, "a.test"),
        ask_name("the second name", &two, "B.Test"),
        ask_name("no common name beside names", &two, "common.test"),
        ask_name("an address", &two, "10.0.0.1"),
        ask_name("another address", &two, "10.0.0.2"),
        ask_name("a common name", &plain, "common.test"),
        ask_name("another common name", &plain, "other.test"),
        ask_name("a common name is no address", &plain, "10.0.0.1"),
        ask_name("a star", &star, "www.star.test"),
        ask_name("a star for two labels", &star, "a.www.star.test"),
        ask_name("a star for none", &star, "star.test"),
        ask_name("a star in a common name", &star_common, "www.common.test"),
        ask_name("a star at the end of a label", &part, "www.part.test"),
        ask_name("a star for nothing", &part, "w.part.test"),
        ask_name("a star at the start of a label", &end, "www.part.test"),
        ask_name("a star inside a label", &inside, "axb.part.test"),
        ask_name("a star too high", &top, "www.test"),
        ask_name("a star in the second label", &second, "a.b.test"),
        ask_name("a star for an encoded label", &star, "xn--a.star.test"),
        ask_name(
            "a part of an encoded label",
            &with("DNS:x*.part.test"),
            "xn--a.part.test",
        ),
        ask_name("a common name beside a mail address", &mail, "common.test"),
        ask_name("a common name beside an address", &address, "common.test"),
        ask_name("an address of six", &six, "fd00::1"),
    ]);
}

#[test]
fn a_verifier_that_goes_on_tells_what_openssl_tells_last() {
    let root = root();
    let leaf = under(plan("host.test", LEAF), &root);
    let rules = Rules::tls(Purpose::Server, None, NOW);
    let mut told = Vec::new();
    let result = verify_with(&[leaf.certificate], &[], &rules, &mut |event| {
        told.push(event.code.number());
        true
    });
    // The three lines of `openssl s_client` for a server without its chain.
    assert_eq!(told, [20, 21, 0]);
    assert_eq!(
        result.map_err(|error| error.code),
        Err(Code::UnableToVerifyFirst)
    );
}
