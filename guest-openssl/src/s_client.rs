//! `s_client`: a TLS connection, told about in OpenSSL's words.
//!
//! Never renegotiates, resumes a session or speaks another protocol first (`-starttls`).

use crate::files::{Failure, complain, now, print, reason, warn};
use crate::options::{Command, Parsed, flag, text};
use crate::pipe::{End, Manners, converse};
use crate::show::{self, NameStyle};
use crate::store;
use guest_tls::cert::{Certificate, Name};
use guest_tls::client::{Check, Options, Stream, TlsError, Trust, Version, connect};
use guest_tls::der::civil;
use guest_tls::key::PublicKey;
use guest_tls::rustls::{NamedGroup, SignatureScheme};
use guest_tls::server::{Identity, LoadError};
use guest_tls::verify::{Code, Host, Purpose, Rules, VerifyError, verify_with};
use std::fmt::Write as _;
use std::net::TcpStream;

pub(crate) const S_CLIENT: Command = Command {
    name: "s_client",
    operands: "[host:port]",
    options: &[
        text("connect", "val", "TCP/IP where to connect"),
        text("host", "val", "Use -connect instead"),
        text("port", "val", "Use -connect instead"),
        text(
            "servername",
            "val",
            "Set TLS extension servername (SNI) in ClientHello",
        ),
        flag(
            "noservername",
            "Do not send the server name (SNI) extension in the ClientHello",
        ),
        text("CAfile", "infile", "PEM format file of CA's"),
        text("cert", "val", "Client certificate file to use"),
        text("key", "val", "Private key file to use; default: -cert file"),
        text("verify_hostname", "val", "Expected peer hostname"),
        text("verify_ip", "val", "Expected peer IP address"),
        flag(
            "verify_return_error",
            "Close connection on verification error",
        ),
        flag("verify_quiet", "Restrict verify output to errors"),
        flag(
            "brief",
            "Restrict output to brief summary of connection parameters",
        ),
        flag("showcerts", "Show all certificates sent by the server"),
        flag("quiet", "No s_client output"),
        flag("ign_eof", "Ignore input EOF (default when -quiet)"),
        flag("no_ign_eof", "Don't ignore input EOF"),
        text(
            "alpn",
            "val",
            "Enable ALPN extension, considering named protocols supported",
        ),
        flag("tls1_2", "Just use TLSv1.2"),
        flag("tls1_3", "Just use TLSv1.3"),
        flag("no_tls1_2", "Just disable TLSv1.2"),
        flag("no_tls1_3", "Just disable TLSv1.3"),
    ],
    run,
};

/// What is to be done, read from the options.
struct Asked {
    address: String,
    options: Options,
    host: Option<Host>,
}

fn asked(parsed: &Parsed) -> Result<Asked, Failure> {
    let address = match parsed
        .value("connect")
        .or(parsed.rest.first().map(String::as_str))
    {
        Some(address) => address.to_owned(),
        None => format!(
            "{}:{}",
            parsed.value("host").unwrap_or("localhost"),
            parsed.value("port").unwrap_or("4433")
        ),
    };
    // A number alone is a port, a name alone has the usual one.
    let address = match address.rsplit_once(':') {
        Some(("", port)) => format!("localhost:{port}"),
        Some(_) => address,
        None if address.parse::<u16>().is_ok() => format!("localhost:{address}"),
        None => format!("{address}:4433"),
    };
    let name = address.rsplit_once(':').map_or("", |(name, _)| name);
    let certificates = match parsed.value("CAfile") {
        Some(file) => store::trusted(file)?,
        None => store::machine_trust(),
    };
    let mut options = Options::new(
        parsed.value("servername").unwrap_or(name),
        Trust { certificates },
    );
    options.sni = !parsed.has("noservername");
    // What is wrong is told, not acted on, unless it is asked for.
    options.check = if parsed.has("verify_return_error") {
        Check::Chain
    } else {
        Check::Nothing
    };
    options.alpn = parsed.value("alpn").map_or_else(Vec::new, |list| {
        list.split(',')
            .map(|name| name.as_bytes().to_vec())
            .collect()
    });
    options.identity = identity(parsed)?;
    if parsed.has("tls1_3") || parsed.has("no_tls1_2") {
        options.min = Version::Tls13;
    }
    if parsed.has("tls1_2") || parsed.has("no_tls1_3") {
        options.max = Version::Tls12;
    }
    if options.min > options.max {
        return Err(complain(
            "error:0A0000BF:SSL routines::no protocols available",
        ));
    }
    let host = parsed
        .value("verify_hostname")
        .map(|name| Host::Name(name.to_owned()))
        .or_else(|| parsed.value("verify_ip").map(Host::parse));
    Ok(Asked {
        address,
        options,
        host,
    })
}

/// The client's certificate with its key.
fn identity(parsed: &Parsed) -> Result<Option<Identity>, Failure> {
    let Some(cert) = parsed.value("cert") else {
        return Ok(None);
    };
    let key = parsed.value("key").unwrap_or(cert);
    let missing = |what: &str, file: &str| {
        complain(format!(
            "Could not open file or uri for loading {what} from {file}"
        ))
    };
    let chain = std::fs::read(cert).map_err(|_| missing("client certificate", cert))?;
    let key = std::fs::read(key).map_err(|_| missing("client certificate private key", key))?;
    let identity = Identity::load(&chain, &key);
    identity.map(Some).map_err(|error| {
        if error == LoadError::Mismatch {
            complain(format!("error setting private key\n{error}"))
        } else {
            complain(format!("Could not read client certificate: {error}"))
        }
    })
}

fn run(parsed: &Parsed) -> Result<i32, Failure> {
    if parsed.rest.len() > 1 {
        return Err(complain("s_client: Use -help for summary."));
    }
    let asked = asked(parsed)?;
    let brief = parsed.has("brief");
    let silent = parsed.has("quiet") || brief;
    let stream = TcpStream::connect(&asked.address).map_err(|error| {
        let number = match error.kind() {
            std::io::ErrorKind::ConnectionRefused => 111,
            std::io::ErrorKind::TimedOut => 110,
            std::io::ErrorKind::HostUnreachable => 113,
            _ => 0,
        };
        complain(format!(
            "error:8000006F:system library::{}:calling connect()\nconnect:errno={number}",
            reason(&error)
        ))
    })?;
    if !silent {
        print("CONNECTED(00000003)\n")?;
    }
    let trust = asked.options.trust.certificates.clone();
    let mut tls = match connect(asked.options, stream, now()) {
        Ok(tls) => tls,
        Err(error) => return refused(&error, silent),
    };
    let chain = tls.peer_certificates();
    let verdict = tell_verify(
        chain,
        &trust,
        asked.host.as_ref(),
        parsed.has("verify_quiet"),
    );
    if verdict.is_err() && parsed.has("verify_return_error") {
        return Err(complain(
            "error:0A000086:SSL routines::certificate verify failed",
        ));
    }
    if brief {
        warn(&summary(&tls, verdict));
    } else if !parsed.has("quiet") {
        print(&report(
            &tls,
            parsed.has("showcerts"),
            verdict,
            asked.host.as_ref(),
        ))?;
    }
    let ignore = (parsed.has("ign_eof") || parsed.has("quiet")) && !parsed.has("no_ign_eof");
    let manners = Manners {
        end_with_input: !ignore,
        commands: !ignore,
    };
    match converse(&mut tls, manners) {
        Ok(End::Ours) => warn("DONE"),
        Ok(End::Theirs) if silent => {}
        Ok(End::Theirs) => print("closed\n")?,
        Err(text) => return Err(complain(text)),
    }
    // The server may have gone already.
    let _ = tls.close_notify();
    Ok(0)
}

/// The handshake failed.
fn refused(error: &TlsError, silent: bool) -> Result<i32, Failure> {
    let verification = match error {
        TlsError::Verify(error) => {
            format!("Verification error: {error}")
        }
        _ => "Verification: OK".to_owned(),
    };
    let (number, text) = match error {
        TlsError::Verify(error) => (error.code.number(), error.code.text()),
        _ => (0, "ok"),
    };
    if !silent {
        print(&format!(
            "---\nno peer certificate available\n---\nNo client certificate CA names sent\n---\n{verification}\n---\nNew, (NONE), Cipher is (NONE)\nSecure Renegotiation IS NOT supported\nCompression: NONE\nExpansion: NONE\nNo ALPN negotiated\nEarly data was not sent\nVerify return code: {number} ({text})\n---\n"
        ))?;
    }
    Err(complain(match error {
        TlsError::Verify(error) => format!(
            "verify error:num={number}:{error}\nerror:0A000086:SSL routines::certificate verify failed"
        ),
        TlsError::Eof => "error:0A000126:SSL routines::unexpected eof while reading".to_owned(),
        other => other.to_string(),
    }))
}

/// The lines of the verifier; what it found last.
fn tell_verify(
    chain: &[Certificate],
    trust: &[Certificate],
    host: Option<&Host>,
    quiet: bool,
) -> Result<(), VerifyError> {
    let rules = Rules::tls(Purpose::Server, host.cloned(), now());
    verify_with(chain, trust, &rules, &mut |event| {
        let good = event.code == Code::Ok;
        if !quiet || !good {
            let name = show::name(&event.certificate.subject, NameStyle::Oneline);
            warn(&format!("depth={} {name}", event.depth));
        }
        if !good {
            warn(&format!(
                "verify error:num={}:{}",
                event.code.number(),
                event.code.text()
            ));
            match event.code {
                Code::NotYetValid => {
                    let time = civil(event.certificate.not_before).to_openssl();
                    warn(&format!("notBefore={time}"));
                }
                Code::Expired => {
                    let time = civil(event.certificate.not_after).to_openssl();
                    warn(&format!("notAfter={time}"));
                }
                _ => {}
            }
        }
        if !quiet {
            warn("verify return:1");
        }
        true
    })
    .map(|_| ())
}

fn verification(verdict: Result<(), VerifyError>, host: Option<&Host>) -> String {
    match (verdict, host) {
        (Err(error), _) => format!("Verification error: {error}\n"),
        (Ok(()), Some(Host::Name(name))) => {
            format!("Verification: OK\nVerified peername: {name}\n")
        }
        (Ok(()), _) => "Verification: OK\n".to_owned(),
    }
}

fn signature(scheme: Option<SignatureScheme>) -> (&'static str, &'static str) {
    match scheme {
        Some(SignatureScheme::RSA_PSS_SHA256) => ("SHA256", "RSA-PSS"),
        Some(SignatureScheme::RSA_PSS_SHA384) => ("SHA384", "RSA-PSS"),
        Some(SignatureScheme::RSA_PSS_SHA512) => ("SHA512", "RSA-PSS"),
        Some(SignatureScheme::RSA_PKCS1_SHA384) => ("SHA384", "RSA"),
        Some(SignatureScheme::RSA_PKCS1_SHA512) => ("SHA512", "RSA"),
        Some(SignatureScheme::ECDSA_NISTP256_SHA256) => ("SHA256", "ECDSA"),
        _ => ("SHA256", "RSA"),
    }
}

fn temporary_key(group: Option<NamedGroup>) -> &'static str {
    match group {
        Some(NamedGroup::secp256r1) => "ECDH, prime256v1, 256 bits",
        _ => "X25519, 253 bits",
    }
}

/// `-brief`.
fn summary(tls: &Stream<TcpStream>, verdict: Result<(), VerifyError>) -> String {
    let name = tls
        .peer_certificates()
        .first()
        .map_or_else(String::new, |first| {
            show::name(&first.subject, NameStyle::Oneline)
        });
    let (hash, kind) = signature(tls.signature());
    format!(
        "CONNECTION ESTABLISHED\nProtocol version: {}\nCiphersuite: {}\nPeer certificate: {name}\nHash used: {hash}\nSignature type: {kind}\n{}Server Temp Key: {}",
        tls.version().name(),
        tls.cipher(),
        verification(verdict, None),
        temporary_key(tls.group())
    )
}

fn chain_entry(at: usize, certificate: &Certificate) -> String {
    let name = |name| show::name(name, NameStyle::Oneline);
    let time = |unix| civil(unix).to_openssl();
    let kind = match &certificate.key {
        PublicKey::Rsa(_) => "rsaEncryption",
        PublicKey::P256(_) => "id-ecPublicKey",
        PublicKey::Other { algorithm, .. } => algorithm.long(),
    };
    format!(
        "{at:2} s:{}\n   i:{}\n   a:PKEY: {kind}, {} (bit); sigalg: {}\n   v:NotBefore: {}; NotAfter: {}\n",
        name(&certificate.subject),
        name(&certificate.issuer),
        certificate.key.bits(),
        certificate.algorithm.short(),
        time(certificate.not_before),
        time(certificate.not_after)
    )
}

/// Who may have signed a client's certificate; OpenSSL adds which signatures, which is not told here.
fn authorities(names: Option<&[Name]>) -> String {
    let lines: String = names
        .unwrap_or_default()
        .iter()
        .map(|name| format!("{}\n", show::name(name, NameStyle::Oneline)))
        .collect();
    if lines.is_empty() {
        "No client certificate CA names sent\n".to_owned()
    } else {
        format!("Acceptable client certificate CA names\n{lines}")
    }
}

/// The whole report.
fn report(
    tls: &Stream<TcpStream>,
    all: bool,
    verdict: Result<(), VerifyError>,
    host: Option<&Host>,
) -> String {
    let chain = tls.peer_certificates();
    let mut text = "---\nCertificate chain\n".to_owned();
    for (at, certificate) in chain.iter().enumerate() {
        text.push_str(&chain_entry(at, certificate));
        if all {
            text.push_str(&certificate.to_pem());
        }
    }
    text.push_str("---\nServer certificate\n");
    let mut bits = 0;
    if let Some(first) = chain.first() {
        bits = first.key.bits();
        if !all {
            text.push_str(&first.to_pem());
        }
        let name = |name| show::name(name, NameStyle::Oneline);
        text.push_str(&format!(
            "subject={}\nissuer={}\n",
            name(&first.subject),
            name(&first.issuer)
        ));
    }
    let (hash, kind) = signature(tls.signature());
    let (read, written) = tls.counts();
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "---\n{}Peer signing digest: {hash}\nPeer signature type: {kind}\nServer Temp Key: {}\n---\nSSL handshake has read {read} bytes and written {written} bytes\n{}---\n",
        authorities(tls.authorities()),
        temporary_key(tls.group()),
        verification(verdict, host)
    );
    let version = tls.version();
    let renegotiation = if version == Version::Tls12 {
        "IS"
    } else {
        "IS NOT"
    };
    let alpn = match tls.alpn() {
        Some(name) => format!("ALPN protocol: {}", String::from_utf8_lossy(name)),
        None => "No ALPN negotiated".to_owned(),
    };
    let _ = write!(
        text,
        "New, {0}, Cipher is {1}\nServer public key is {bits} bit\nSecure Renegotiation {renegotiation} supported\nCompression: NONE\nExpansion: NONE\n{alpn}\n",
        version.name(),
        tls.cipher()
    );
    let (number, words) = match verdict {
        Ok(()) => (0, "ok"),
        Err(error) => (error.code.number(), error.code.text()),
    };
    let end = match version {
        Version::Tls12 => format!(
            "SSL-Session:\n    Protocol  : TLSv1.2\n    Cipher    : {}\n    Verify return code: {number} ({words})\n    Extended master secret: yes\n---\n",
            tls.cipher()
        ),
        Version::Tls13 => {
            format!("Early data was not sent\nVerify return code: {number} ({words})\n---\n")
        }
    };
    text + &end
}
