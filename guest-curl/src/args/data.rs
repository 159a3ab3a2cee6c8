//! Data, queries, forms and headers, with the files they come from.

use super::operation::{Operation, Part, PartBody};
use super::{Problem, Request};
use crate::files;
use crate::voice::Voice;

/// The options `--data`, its relatives, `--json` and `--url-query`.
pub(crate) fn add(
    operation: &mut Operation,
    name: &str,
    value: &str,
    voice: &Voice,
) -> Result<(), Problem> {
    operation.json |= name == "json";
    let piece = match (name, value.strip_prefix('@')) {
        ("url-query", _) if value.starts_with('+') => value.as_bytes()[1..].to_vec(),
        ("data-urlencode" | "url-query", _) => encoded(value, voice)?,
        ("data-raw", _) | (_, None) => value.as_bytes().to_vec(),
        (_, Some(file)) => {
            let mut bytes = read(file, voice)?;
            if !matches!(name, "data-binary" | "json") {
                bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
            }
            bytes
        }
    };
    if name == "url-query" {
        let piece = String::from_utf8_lossy(&piece).into_owned();
        operation.query = Some(match operation.query.take() {
            Some(query) => format!("{query}&{piece}"),
            None => piece,
        });
        return Ok(());
    }
    match &mut operation.data {
        None => operation.data = Some(piece),
        Some(data) => {
            if name != "json" && !data.is_empty() {
                data.push(b'&');
            }
            data.extend(piece);
        }
    }
    Ok(())
}

/// A file that cannot be read counts as empty, as in curl.
fn read(file: &str, voice: &Voice) -> Result<Vec<u8>, Problem> {
    match files::read(file) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::IsADirectory => Err(Problem::Read),
        Err(_) => {
            voice.warn(&format!(
                "Couldn't read data from file \"{file}\", this makes an empty POST."
            ));
            Ok(Vec::new())
        }
    }
}

/// `content`, `=content`, `name=content`, `@file` and `name@file`.
fn encoded(value: &str, voice: &Voice) -> Result<Vec<u8>, Problem> {
    let (name, content) = match value.find(['=', '@']) {
        Some(cut) if value.as_bytes()[cut] == b'=' => {
            (&value[..cut], value.as_bytes()[cut + 1..].to_vec())
        }
        Some(cut) => (&value[..cut], read(&value[cut + 1..], voice)?),
        None => ("", value.as_bytes().to_vec()),
    };
    let mut out = String::new();
    if !name.is_empty() {
        out.push_str(name);
        out.push('=');
    }
    for byte in content {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    Ok(out.into_bytes())
}

/// A header, or a file of them.
pub(crate) fn add_headers(
    headers: &mut Vec<String>,
    value: &str,
    voice: &Voice,
) -> Result<(), Problem> {
    let Some(file) = value.strip_prefix('@') else {
        headers.push(value.to_owned());
        return Ok(());
    };
    let Ok(bytes) = files::read(file) else {
        voice.warn(&format!("Failed to open {file}!"));
        return Ok(());
    };
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    headers.extend(lines.map(str::to_owned));
    Ok(())
}

/// `-F`: a part of a form.
pub(crate) fn add_part(
    operation: &mut Operation,
    value: &str,
    literal: bool,
    voice: &Voice,
) -> Result<(), Problem> {
    let Some((name, content)) = value.split_once('=') else {
        voice.warn("Illegally formatted input field!");
        return Err(Problem::BadUse);
    };
    let part = if literal {
        Part {
            body: PartBody::Text(content.as_bytes().to_vec()),
            ..Part::default()
        }
    } else {
        part(content, voice).ok_or(Problem::BadUse)?
    };
    operation.form.push(Part {
        name: Some(name.to_owned()),
        ..part
    });
    if !operation.request.set(Request::Form, voice) {
        return Err(Problem::BadUse);
    }
    Ok(())
}

fn part(content: &str, voice: &Voice) -> Option<Part> {
    // Parts within parts are begun by a parenthesis.
    if content.starts_with('(') {
        return None;
    }
    let Some(list) = content.strip_prefix('@') else {
        let (file, rest) = match content.strip_prefix('<') {
            Some(rest) => (true, rest),
            None => (false, content),
        };
        let (first, mut rest) = word(rest, file);
        let mut part = Part {
            body: if file {
                PartBody::File(first)
            } else {
                PartBody::Text(first.into_bytes())
            },
            ..Part::default()
        };
        rest = attributes(&mut part, rest, voice);
        return rest.is_empty().then_some(part);
    };
    let (mut files, mut rest) = (Vec::new(), list);
    loop {
        let (path, after) = word(rest, true);
        let shown = path.rsplit('/').next().unwrap_or_default().to_owned();
        let mut part = Part {
            file_name: Some(shown),
            body: PartBody::File(path),
            ..Part::default()
        };
        rest = attributes(&mut part, after, voice);
        files.push(part);
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => break,
        }
    }
    if files.len() == 1 {
        return files.pop();
    }
    Some(Part {
        body: PartBody::Parts(files),
        ..Part::default()
    })
}

/// A word up to `;`, or `,` among files; in quotes both are part of it.
fn word(text: &str, list: bool) -> (String, &str) {
    if let Some(inner) = text.strip_prefix('"') {
        let mut out = String::new();
        let mut chars = inner.char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' => {
                    let next = chars.next();
                    match next {
                        Some((_, quoted @ ('"' | '\\'))) => out.push(quoted),
                        Some((_, other)) => out.extend(['\\', other]),
                        None => out.push('\\'),
                    }
                }
                '"' => {
                    let rest = inner[at + 1..].trim_start_matches([' ', '\t']);
                    if rest.is_empty() || rest.starts_with(';') || (list && rest.starts_with(',')) {
                        return (out, rest);
                    }
                    break;
                }
                other => out.push(other),
            }
        }
    }
    let end = text
        .find(|c| c == ';' || (list && c == ','))
        .unwrap_or(text.len());
    let word = if end < text.len() {
        text[..end].trim_end_matches([' ', '\t'])
    } else {
        &text[..end]
    };
    (word.to_owned(), &text[end..])
}

/// `;type=…;filename=…;encoder=…;headers=…`; what is none of these is passed over with a warning.
fn attributes<'t>(part: &mut Part, mut rest: &'t str, voice: &Voice) -> &'t str {
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start_matches([' ', '\t']);
        let known = ["type=", "filename=", "encoder=", "headers="];
        let Some(key) = known.iter().find(|key| after.starts_with(**key)) else {
            let (unknown, left) = word(after, matches!(part.body, PartBody::File(_)));
            if !unknown.is_empty() {
                voice.warn(&format!("skip unknown form field: {unknown}"));
            }
            rest = left;
            continue;
        };
        let (value, left) = if *key == "type=" {
            media_type(&after[key.len()..])
        } else {
            word(&after[key.len()..], matches!(part.body, PartBody::File(_)))
        };
        rest = left;
        match *key {
            "type=" => part.content_type = Some(value),
            "filename=" => part.file_name = Some(value),
            "encoder=" => part.encoder = Some(value),
            _ => part.headers.push(value),
        }
    }
    rest
}

/// A type may have parameters of its own: `text/html;charset=utf-8`.
fn media_type(text: &str) -> (String, &str) {
    let known = ["filename=", "encoder=", "headers=", "type="];
    let mut end = 0;
    loop {
        let stop = text[end..]
            .find([';', ','])
            .map_or(text.len(), |at| end + at);
        let next = text[stop..].trim_start_matches([';', ' ', '\t']);
        if stop == text.len()
            || text[stop..].starts_with(',')
            || known.iter().any(|key| next.starts_with(key))
        {
            return (text[..stop].trim_end().to_owned(), &text[stop..]);
        }
        end = stop + 1;
    }
}
