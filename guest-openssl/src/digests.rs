//! `dgst`: digests of files.
//!
//! Never signs and never MD5.

use crate::files::{Failure, print, print_bytes, read, reason, warn};
use crate::options::{Command, DIGEST, Parsed, flag};
use guest_tls::{Digest, text};

pub(crate) const DGST: Command = Command {
    name: "dgst",
    operands: "[file...]",
    options: &[
        DIGEST,
        flag("r", "Print the digest in coreutils format"),
        flag("hex", "Print as hex dump"),
        flag("c", "Print the digest with separating colons"),
        flag("binary", "Print in binary form"),
    ],
    run,
};

fn run(parsed: &Parsed) -> Result<i32, Failure> {
    let digest = parsed.digest();
    let name = match digest {
        Digest::Sha1 => "SHA1",
        // The default is called by its old name.
        Digest::Sha256 if parsed.value("*").is_none() => "SHA256",
        Digest::Sha256 => "SHA2-256",
        Digest::Sha384 => "SHA2-384",
        Digest::Sha512 => "SHA2-512",
    };
    let mut code = 0;
    let files: Vec<Option<&str>> = match parsed.rest.as_slice() {
        [] => vec![None],
        files => files.iter().map(|file| Some(file.as_str())).collect(),
    };
    for file in files {
        let bytes = match read(file) {
            Ok(bytes) => digest.of(&bytes),
            Err(error) => {
                let file = file.unwrap_or("stdin");
                warn(&format!("{file}: {}", reason(&error)));
                code = 1;
                continue;
            }
        };
        let hex = if parsed.has("c") {
            crate::show::upper_hex(&bytes).to_ascii_lowercase()
        } else {
            text::to_hex(&bytes)
        };
        let file = file.unwrap_or("stdin");
        if parsed.has("binary") {
            print_bytes(&bytes)?;
        } else if parsed.has("r") {
            print(&format!("{hex} *{file}\n"))?;
        } else {
            print(&format!("{name}({file})= {hex}\n"))?;
        }
    }
    Ok(code)
}
