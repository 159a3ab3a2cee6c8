//! Folders as pages, in each server's manner. It lists names, sizes and dates, never contents.

use crate::date::Date;
use crate::resource::{self, Found};
use crate::uri;

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
        .filter_map(|name| {
            Some((
                name.clone(),
                resource::look(&format!("{folder}/{name}")).ok()?,
            ))
        })
        .collect();
    found.sort_by(|a, b| (a.1 != Found::Folder, &a.0).cmp(&(b.1 != Found::Folder, &b.0)));
    Some(found)
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// nginx's `autoindex`: folders first.
pub fn nginx(path: &str, folder: &str) -> Option<String> {
    let title = html(path);
    let mut page = format!(
        "<html>\r\n<head><title>Index of {title}</title></head>\r\n<body>\r\n<h1>Index of {title}</h1><hr><pre>"
    );
    page.push_str("<a href=\"../\">../</a>\r\n");
    for (name, found) in entries(folder)? {
        let (slash, date, size) = match found {
            Found::Folder => ("/", "-".to_owned(), "-".to_owned()),
            Found::File(stamp) => (
                "",
                Date::of(stamp.seconds).listing(),
                stamp.length.to_string(),
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
        let slash = if found == Found::Folder { "/" } else { "" };
        page.push_str(&format!(
            "<li><a href=\"{}{slash}\"> {}{slash}</a></li>\n",
            uri::escape(&name),
            html(&name)
        ));
    }
    page.push_str("</ul>\n</body></html>\n");
    Some(page)
}
