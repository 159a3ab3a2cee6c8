//! Folders as pages, in each server's manner. It lists names, sizes and dates, never contents.

use crate::files::{self, Found};
use crate::http::date::Date;
use crate::http::uri;

/// How many entries a page shows.
const MAX_ENTRIES: usize = 10_000;

fn entries(folder: &str) -> Option<Vec<(String, Found)>> {
    let names = std::fs::read_dir(folder)
        .ok()?
        .take(MAX_ENTRIES)
        .filter_map(Result::ok);
    let names = names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'));
    let mut found: Vec<_> = names
        .filter_map(|name| Some((name.clone(), files::look(&format!("{folder}/{name}")).ok()?)))
        .collect();
    let is_file = |found: &Found| matches!(found, Found::File(_));
    found.sort_by(|a, b| (is_file(&a.1), &a.0).cmp(&(is_file(&b.1), &b.0)));
    Some(found)
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// nginx's `autoindex`: folders first; sizes in bytes or rounded.
pub fn nginx(path: &str, folder: &str, exact: bool) -> Option<String> {
    let title = html(path);
    let mut page = format!(
        "<html>\r\n<head><title>Index of {title}</title></head>\r\n<body>\r\n<h1>Index of {title}</h1><hr><pre>"
    );
    page.push_str("<a href=\"../\">../</a>\r\n");
    for (name, found) in entries(folder)? {
        let (slash, date, size) = match found {
            Found::Folder(seconds) => ("/", Date::of(seconds).listing(), "-".to_owned()),
            Found::File(stamp) => (
                "",
                Date::of(stamp.seconds).listing(),
                if exact {
                    stamp.length.to_string()
                } else {
                    rounded(stamp.length)
                },
            ),
        };
        let shown: String = if name.chars().count() + slash.len() > 50 {
            name.chars().take(47).chain("..>".chars()).collect()
        } else {
            format!("{name}{slash}")
        };
        let pad = 51 - shown.chars().count().min(50);
        let (link, shown) = (uri::escape(&name), html(&shown));
        page.push_str(&format!(
            "<a href=\"{link}{slash}\">{shown}</a>{:pad$}{date:>17} {size:>19}\r\n",
            ""
        ));
    }
    page.push_str("</pre><hr></body>\r\n</html>\r\n");
    Some(page)
}

/// A size as nginx rounds it.
fn rounded(length: u64) -> String {
    match length {
        0..=9_999 => length.to_string(),
        10_000..=1_048_575 => format!("{}K", length.div_ceil(1024)),
        _ => format!("{}M", (length + 524_288) / 1_048_576),
    }
}

/// nginx's `autoindex_format json`.
pub fn json(folder: &str) -> Option<String> {
    let lines = entries(folder)?.into_iter().map(|(name, found)| {
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        match found {
            Found::Folder(seconds) => format!(
                "{{ \"name\":\"{name}\", \"type\":\"directory\", \"mtime\":\"{}\" }}",
                Date::of(seconds).http()
            ),
            Found::File(stamp) => format!(
                "{{ \"name\":\"{name}\", \"type\":\"file\", \"mtime\":\"{}\", \"size\":{} }}",
                Date::of(stamp.seconds).http(),
                stamp.length
            ),
        }
    });
    Some(format!("[\n{}\n]", lines.collect::<Vec<_>>().join(",\n")))
}

/// Apache's plain index.
pub fn apache(path: &str, folder: &str) -> Option<String> {
    let title = html(path.trim_end_matches('/'));
    let title = if title.is_empty() { "/" } else { &title };
    let mut page = format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\">\n\
         <html>\n <head>\n  <title>Index of {title}</title>\n </head>\n <body>\n<h1>Index of {title}</h1>\n<ul>"
    );
    if path != "/" {
        let above = path
            .trim_end_matches('/')
            .rsplit_once('/')
            .map_or("", |(above, _)| above);
        page.push_str(&format!(
            "<li><a href=\"{}/\"> Parent Directory</a></li>\n",
            uri::escape(above)
        ));
    }
    let mut all = entries(folder)?;
    all.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, found) in all {
        let slash = if matches!(found, Found::Folder(_)) {
            "/"
        } else {
            ""
        };
        page.push_str(&format!(
            "<li><a href=\"{}{slash}\"> {}{slash}</a></li>\n",
            uri::escape(&name),
            html(&name)
        ));
    }
    page.push_str("</ul>\n</body></html>\n");
    Some(page)
}
