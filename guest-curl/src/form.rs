//! Forms of several parts, as bytes. Files are read when the form is made.

use crate::args::{Part, PartBody};
use crate::auth::base64;
use crate::chance;
use crate::failure::Failure;
use crate::files;

/// The types of files by the ends of their names.
const TYPES: &[(&str, &str)] = &[
    (".gif", "image/gif"),
    (".jpg", "image/jpeg"),
    (".jpeg", "image/jpeg"),
    (".png", "image/png"),
    (".svg", "image/svg+xml"),
    (".txt", "text/plain"),
    (".htm", "text/html"),
    (".html", "text/html"),
    (".pdf", "application/pdf"),
    (".xml", "application/xml"),
];

/// A form: the value of its `Content-Type`, and its bytes.
pub(crate) struct Form {
    pub(crate) content_type: String,
    pub(crate) bytes: Vec<u8>,
}

/// Writes all parts.
///
/// # Errors
/// 26 when a file cannot be read.
pub(crate) fn encode(
    parts: &[Part],
    escape: bool,
    own_type: Option<&str>,
) -> Result<Form, Failure> {
    let boundary = boundary();
    let mut bytes = Vec::new();
    let disposition = match own_type {
        Some(kind) if !kind.to_ascii_lowercase().starts_with("multipart/form-data") => "attachment",
        _ => "form-data",
    };
    write(&mut bytes, parts, &boundary, disposition, escape)?;
    Ok(Form {
        content_type: format!("multipart/form-data; boundary={boundary}"),
        bytes,
    })
}

fn boundary() -> String {
    format!("{:-<24}{}", "", chance::hex16())
}

fn write(
    bytes: &mut Vec<u8>,
    parts: &[Part],
    boundary: &str,
    disposition: &str,
    escape: bool,
) -> Result<(), Failure> {
    for part in parts {
        bytes.extend(format!("--{boundary}\r\n").into_bytes());
        let mut head = format!("Content-Disposition: {disposition}");
        for (key, value) in [("name", &part.name), ("filename", &part.file_name)] {
            if let Some(value) = value {
                head.push_str(&format!("; {key}=\"{}\"", escaped(value, escape)));
            }
        }
        head.push_str("\r\n");
        let (content, natural) = content(part, escape)?;
        if let Some(kind) = part.content_type.clone().or(natural) {
            head.push_str(&format!("Content-Type: {kind}\r\n"));
        }
        let content = match part.encoder.as_deref() {
            None => content,
            Some(encoder) => {
                head.push_str(&format!("Content-Transfer-Encoding: {encoder}\r\n"));
                coded(encoder, content)?
            }
        };
        for header in &part.headers {
            head.push_str(&format!("{header}\r\n"));
        }
        bytes.extend(head.into_bytes());
        bytes.extend_from_slice(b"\r\n");
        bytes.extend(content);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend(format!("--{boundary}--\r\n").into_bytes());
    Ok(())
}

/// The bytes of a part, and the type it has by nature.
fn content(part: &Part, escape: bool) -> Result<(Vec<u8>, Option<String>), Failure> {
    match &part.body {
        PartBody::Text(text) => Ok((text.clone(), None)),
        PartBody::File(path) => {
            let bytes = files::read(path).map_err(|_| {
                Failure::new(26, "Failed to open/read local data from file/application")
            })?;
            let natural = part.file_name.as_ref().map(|name| {
                let name = name.to_ascii_lowercase();
                let known = TYPES.iter().find(|(end, _)| name.ends_with(end));
                known
                    .map_or("application/octet-stream", |(_, kind)| kind)
                    .to_owned()
            });
            Ok((bytes, natural))
        }
        PartBody::Parts(parts) => {
            let boundary = boundary();
            let mut bytes = Vec::new();
            write(&mut bytes, parts, &boundary, "attachment", escape)?;
            Ok((bytes, Some(format!("multipart/mixed; boundary={boundary}"))))
        }
    }
}

fn coded(encoder: &str, content: Vec<u8>) -> Result<Vec<u8>, Failure> {
    match encoder {
        "binary" | "8bit" | "7bit" => Ok(content),
        "base64" => {
            let text = base64(&content);
            let lines: Vec<&str> = text
                .as_bytes()
                .chunks(76)
                .map(|line| std::str::from_utf8(line).unwrap_or_default())
                .collect();
            Ok(lines.join("\r\n").into_bytes())
        }
        _ => Err(Failure::new(
            43,
            "A libcurl function was given a bad argument",
        )),
    }
}

fn escaped(value: &str, backslash: bool) -> String {
    if backslash {
        return value.replace('\\', "\\\\").replace('"', "\\\"");
    }
    value
        .replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
