//! TLS for a connection: the handshake, what is told of it, and whom the certificate names.
//! Whether a chain is to be believed is decided in `guest-tls`.

use std::net::TcpStream;

use guest_tls::cert::{AltName, Certificate, Name};
use guest_tls::client::{self, Check, Options, Stream, TlsError, Trust, Version};
use guest_tls::server::Identity;
use guest_tls::verify::{Host, Manner, matches};

use super::Transfer;
use crate::date;
use crate::failure::Failure;
use crate::link::{Link, Wire};

/// Where trusted certificates are when nobody says so.
const CA_FILE: &str = "/etc/ssl/certs/ca-certificates.crt";
const CA_PATH: &str = "/etc/ssl/certs";

/// The steps of a handshake that verbose output names; which belong to which version.
const HELLO: &str = "(OUT), TLS handshake, Client hello (1):";
/// Those that a server adds which asks for a certificate, and the one of a client that has one.
const ASKED: &str = "(IN), TLS handshake, Request CERT (13):";
const SENT: &str = "(OUT), TLS handshake, Certificate (11):";
const SIGNED: &str = "(OUT), TLS handshake, CERT verify (15):";
const TLS13: &[&str] = &[
    "(IN), TLS handshake, Server hello (2):",
    "(IN), TLS handshake, Encrypted Extensions (8):",
    "(IN), TLS handshake, Certificate (11):",
    "(IN), TLS handshake, CERT verify (15):",
    "(IN), TLS handshake, Finished (20):",
    "(OUT), TLS change cipher, Change cipher spec (1):",
    "(OUT), TLS handshake, Finished (20):",
];
const TLS12: &[&str] = &[
    "(IN), TLS handshake, Server hello (2):",
    "(IN), TLS handshake, Certificate (11):",
    "(IN), TLS handshake, Server key exchange (12):",
    "(IN), TLS handshake, Server finished (14):",
    "(OUT), TLS handshake, Client key exchange (16):",
    "(OUT), TLS change cipher, Change cipher spec (1):",
    "(OUT), TLS handshake, Finished (20):",
    "(IN), TLS handshake, Finished (20):",
];

impl Transfer<'_, '_> {
    /// Turns a plain connection into an encrypted one to the URL's host.
    pub(super) fn encrypt(&mut self, link: Link) -> Result<Link, Failure> {
        let Link { wire, .. } = link;
        let Wire::Plain(tcp) = wire else {
            return Ok(Link { wire, ..link });
        };
        let options = self.options()?;
        let limits = (options.min, options.max);
        let has_identity = options.identity.is_some();
        let left = self.deadline.left().map_err(|()| self.late())?;
        // Not every host can limit writing; reading is limited in any case.
        let _ = tcp.set_write_timeout(left);
        let _ = tcp.set_read_timeout(left);
        let outcome = client::connect(options, tcp, crate::now());
        let stream = outcome.map_err(|error| self.refused(error, limits.1))?;
        let version = stream.version();
        let asked = stream.authorities().map(|_| has_identity);
        self.steps(version, &done(version, asked));
        let verify = stream
            .verdict()
            .err()
            .map_or(0, |error| error.code.number());
        self.told(&stream)?;
        Ok(Link {
            wire: Wire::Tls(Box::new(stream)),
            verify,
            ..link
        })
    }

    fn late(&self) -> Failure {
        let after = self.deadline.elapsed_ms();
        Failure::new(
            28,
            format!("Connection timed out after {after} milliseconds"),
        )
    }

    fn steps(&mut self, version: Version, steps: &[&str]) {
        for step in steps {
            self.session
                .trace
                .info(&format!("{} {step}", version.name()));
        }
    }

    /// What is offered and whom to believe.
    fn options(&mut self) -> Result<Options, Failure> {
        let operation = self.operation;
        let (min, max) = (
            operation.tls_min.unwrap_or(10),
            operation.tls_max.unwrap_or(13),
        );
        if min > max {
            return Err(Failure::new(
                35,
                "CURL_SSLVERSION_MAX incompatible with CURL_SSLVERSION",
            ));
        }
        if !operation.no_alpn {
            self.session.trace.info("ALPN: offers http/1.1");
        }
        let highest = if max == 12 {
            Version::Tls12
        } else {
            Version::Tls13
        };
        self.steps(highest, &[HELLO]);
        if max < 12 {
            return Err(Failure::new(
                35,
                "OpenSSL/3.0.22: error:0A0000BF:SSL routines::no protocols available",
            ));
        }
        let trust = self.trust()?;
        let mut options = Options::new(&self.state.url.host, trust);
        options.check = if operation.insecure {
            Check::Nothing
        } else {
            Check::Chain
        };
        options.alpn = match operation.no_alpn {
            true => Vec::new(),
            false => vec![b"http/1.1".to_vec()],
        };
        options.min = if min >= 13 {
            Version::Tls13
        } else {
            Version::Tls12
        };
        options.max = highest;
        options.identity = self.identity()?;
        Ok(options)
    }

    /// The client's certificate with its key.
    fn identity(&self) -> Result<Option<Identity>, Failure> {
        let operation = self.operation;
        let Some(cert) = &operation.cert else {
            return Ok(None);
        };
        let bad_cert = |why: &str| {
            Failure::new(
                58,
                format!(
                    "could not load PEM client certificate from {cert}, OpenSSL error {why}, (no key \
                     found, wrong pass phrase, or wrong file format?)"
                ),
            )
        };
        let chain = std::fs::read(cert)
            .map_err(|_| bad_cert("error:80000002:system library::No such file or directory"))?;
        let key = operation.key.as_ref().unwrap_or(cert);
        // A key that cannot be read is one that is none.
        let key_pem = std::fs::read(key).unwrap_or_default();
        match Identity::load(&chain, &key_pem) {
            Ok(identity) => Ok(Some(identity)),
            Err(error) if error.is_about_key() => Err(Failure::new(
                58,
                format!("unable to set private key file: '{key}' type PEM"),
            )),
            Err(error) => {
                let text = error.to_string();
                Err(bad_cert(text.split(":Expecting").next().unwrap_or(&text)))
            }
        }
    }

    /// The certificates of `--cacert`, or those of the machine.
    fn trust(&mut self) -> Result<Trust, Failure> {
        let operation = self.operation;
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let named = operation
            .ca_file
            .clone()
            .or_else(|| variable("CURL_CA_BUNDLE"))
            .or_else(|| variable("SSL_CERT_FILE"));
        let path = named.clone().unwrap_or_else(|| CA_FILE.to_owned());
        let read = std::fs::read(&path).ok();
        let trust = read.and_then(|text| Trust::from_pem(&text).ok());
        let trust = trust.filter(|trust| !trust.certificates.is_empty());
        match trust {
            None if named.is_some() && !operation.insecure => {
                let message = format!("error setting certificate file: {path}");
                self.session.trace.info(&message);
                Err(Failure::new(77, message))
            }
            trust => {
                if !operation.insecure {
                    self.session.trace.info(&format!(" CAfile: {path}"));
                    self.session.trace.info(&format!(" CApath: {CA_PATH}"));
                }
                Ok(trust.unwrap_or_default())
            }
        }
    }

    /// Why there is no encrypted connection, in curl's words.
    fn refused(&mut self, error: TlsError, version: Version) -> Failure {
        match error {
            TlsError::Verify(error) => {
                self.report.verify = error.code.number();
                let seen = match version {
                    Version::Tls13 => &TLS13[..3],
                    Version::Tls12 => &TLS12[..2],
                };
                self.steps(version, seen);
                let text = error.code.text();
                let alert = match text {
                    "certificate has expired" => "certificate expired (557)",
                    "certificate is not yet valid" => "bad certificate (554)",
                    _ => "unknown CA (560)",
                };
                self.steps(version, &[&format!("(OUT), TLS alert, {alert}:")]);
                Failure::new(60, format!("SSL certificate problem: {text}"))
            }
            TlsError::Io(error) if is_late(&error) => self.late(),
            TlsError::Io(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                let host = &self.state.url.host;
                let port = self.state.url.port();
                Failure::new(
                    35,
                    format!(
                        "OpenSSL SSL_connect: Connection reset by peer in connection to {host}:{port} "
                    ),
                )
            }
            TlsError::Eof | TlsError::Io(_) => Failure::new(
                35,
                "error:0A000126:SSL routines::unexpected eof while reading",
            ),
            other => {
                let text = other.to_string();
                if text.contains("wrong version number") {
                    return Failure::new(
                        35,
                        "OpenSSL/3.0.22: error:0A00010B:SSL routines::wrong version number",
                    );
                }
                Failure::new(35, format!("OpenSSL/3.0.22: {text}"))
            }
        }
    }

    /// What verbose output tells of the other end; whether its certificate names the host.
    fn told(&mut self, stream: &Stream<TcpStream>) -> Result<(), Failure> {
        let trace = &mut self.session.trace;
        trace.info(&format!(
            "SSL connection using {} / {}",
            stream.version().name(),
            stream.cipher()
        ));
        if !self.operation.no_alpn {
            trace.info(&match stream.alpn() {
                Some(protocol) => {
                    format!(
                        "ALPN: server accepted {}",
                        String::from_utf8_lossy(protocol)
                    )
                }
                None => "ALPN: server did not agree on a protocol. Uses default.".to_owned(),
            });
        }
        let Some(first) = stream.peer_certificates().first() else {
            return Err(Failure::new(60, "SSL: couldn't get peer certificate!"));
        };
        trace.info("Server certificate:");
        trace.info(&format!(" subject: {}", shown(&first.subject)));
        trace.info(&format!(
            " start date: {}",
            date::certificate(first.not_before)
        ));
        trace.info(&format!(
            " expire date: {}",
            date::certificate(first.not_after)
        ));
        if !self.operation.insecure {
            named(first, &self.state.url.host, &mut |text| trace.info(text))?;
        }
        trace.info(&format!(" issuer: {}", shown(&first.issuer)));
        trace.info(&match stream.verdict() {
            Ok(()) => " SSL certificate verify ok.".to_owned(),
            Err(error) => format!(
                " SSL certificate verify result: {} ({}), continuing anyway.",
                error.code.text(),
                error.code.number()
            ),
        });
        trace.info("using HTTP/1.x");
        Ok(())
    }

    /// Says goodbye on an encrypted connection.
    pub(super) fn goodbye(&mut self, link: &mut Link) {
        if let Wire::Tls(stream) = &mut link.wire {
            let version = stream.version();
            // The other side may be gone already.
            let _ = stream.close_notify();
            self.steps(version, &["(OUT), TLS alert, close notify (256):"]);
        }
    }
}

/// The steps of a whole handshake; `asked` is whether a server that asked got a certificate.
fn done(version: Version, asked: Option<bool>) -> Vec<&'static str> {
    let modern = version == Version::Tls13;
    let mut steps = if modern { TLS13 } else { TLS12 }.to_vec();
    let Some(sent) = asked else { return steps };
    let at = |steps: &[&str], text: &str| steps.iter().position(|step| step.contains(text));
    let before = if modern {
        "Certificate"
    } else {
        "Server finished"
    };
    let asks = at(&steps, before).unwrap_or(0);
    steps.insert(asks, ASKED);
    let answers = if modern {
        at(&steps, "(OUT), TLS handshake, Finished")
    } else {
        at(&steps, "Client key")
    };
    let answers = answers.unwrap_or(steps.len());
    steps.insert(answers, SENT);
    if sent {
        steps.insert(answers + if modern { 1 } else { 2 }, SIGNED);
    }
    steps
}

fn is_late(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock
    )
}

/// Whether the certificate names the host, as curl compares and tells.
fn named(first: &Certificate, host: &str, tell: &mut dyn FnMut(&str)) -> Result<(), Failure> {
    let wanted = Host::parse(host);
    let names = first.alt_names();
    let alone = |name: &AltName| {
        let mut only = first.clone();
        only.extensions
            .retain(|extension| extension.alt_names().is_none());
        let fits = match (name, &wanted) {
            (AltName::Dns(pattern), Host::Name(_)) => {
                only.subject = Name::common(pattern);
                matches(&only, &wanted, Manner::Curl)
            }
            (name, Host::Ip(address)) => name.ip() == Some(*address),
            _ => false,
        };
        fits.then(|| match name {
            AltName::Dns(pattern) => {
                format!(" subjectAltName: host \"{host}\" matched cert's \"{pattern}\"")
            }
            _ => format!(" subjectAltName: host \"{host}\" matched cert's IP address!"),
        })
    };
    if let Some(told) = names.iter().find_map(alone) {
        tell(&told);
        return Ok(());
    }
    let any = names
        .iter()
        .any(|name| matches!(name, AltName::Dns(_) | AltName::Ip(_)));
    if any {
        tell(&format!(" subjectAltName does not match {host}"));
        return Err(Failure::new(
            60,
            format!(
                "SSL: no alternative certificate subject name matches target host name '{host}'"
            ),
        ));
    }
    match first.common_name() {
        None => Err(Failure::new(
            60,
            "SSL: unable to obtain common name from peer certificate",
        )),
        Some(common) if matches(first, &wanted, Manner::Curl) => {
            tell(&format!(" common name: {common} (matched)"));
            Ok(())
        }
        Some(common) => Err(Failure::new(
            60,
            format!(
                "SSL: certificate subject name '{common}' does not match target host name '{host}'"
            ),
        )),
    }
}

/// `C=DE; O=x; CN=y`, as curl prints names.
fn shown(name: &Name) -> String {
    let sets: Vec<String> = name
        .sets
        .iter()
        .map(|set| {
            let parts: Vec<String> = set
                .iter()
                .map(|attribute| format!("{}={}", attribute.object.short(), attribute.text()))
                .collect();
            parts.join(" + ")
        })
        .collect();
    sets.join("; ")
}
