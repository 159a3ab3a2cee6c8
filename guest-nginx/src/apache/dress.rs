//! What the configuration says instead of Apache's own pages, and the line below them.
//! It never changes an answer that went well, but for the line below a list.

use super::{Apache, Draft, Spot, pages, text};
use crate::files::{self, Found};
use crate::http::request::Request;
use crate::reply::Body;

impl Apache {
    /// The page that is meant for a status.
    pub(super) fn dress(&self, draft: Draft, spot: &Spot<'_>, request: Option<&Request>) -> Draft {
        if draft.success {
            return draft;
        }
        let status = draft.status;
        let mut page = match spot.settings.errors.get(&status).map(String::as_str) {
            Some(place) if place.contains("://") => {
                let mut page = pages::page(302, place).with("Location", place);
                self.sign(&mut page, spot, request);
                page
            }
            Some(path) if path.starts_with('/') => {
                let inner = self.spot(spot.host, path);
                let asked = Request::default();
                match files::look(&inner.file) {
                    Ok(Found::File(stamp)) => {
                        let mut page = self.file(&asked, &inner, stamp);
                        page.status = status;
                        page
                    }
                    _ => return self.unavailable(draft, spot, request),
                }
            }
            Some(words) => text(status, words.as_bytes().to_vec(), draft.kind.clone()),
            None => {
                let mut draft = draft;
                self.sign(&mut draft, spot, request);
                return draft;
            }
        };
        let kept = ["Location", "Allow", "WWW-Authenticate"];
        for (name, value) in draft.headers {
            let had = page.headers.iter().any(|(own, _)| *own == name);
            if kept.contains(&name.as_str()) && !had {
                page.headers.insert(0, (name, value));
            }
        }
        page.close = draft.close;
        page.note = draft.note;
        page.user = draft.user;
        page
    }

    /// The page itself is not there: Apache's own, with a word about that.
    fn unavailable(&self, mut draft: Draft, spot: &Spot<'_>, request: Option<&Request>) -> Draft {
        if let Body::Bytes(bytes) = &draft.body {
            let words = "<p>Additionally, a 404 Not Found\nerror was encountered while trying to use an \
                         ErrorDocument to handle the request.</p>\n</body></html>\n";
            let page = String::from_utf8_lossy(bytes).replace("</body></html>\n", words);
            replace(&mut draft, page);
        }
        self.sign(&mut draft, spot, request);
        draft
    }

    /// The line that names the server, below pages about mistakes and below lists.
    pub(super) fn sign(&self, draft: &mut Draft, spot: &Spot<'_>, request: Option<&Request>) {
        let signature = spot.settings.signature.unwrap_or(0);
        let Body::Bytes(bytes) = &draft.body else {
            return;
        };
        if signature == 0 {
            return;
        }
        let asked = request.map_or("", |request| request.host.as_str());
        let own = spot.host.name.rsplit("://").next().unwrap_or_default();
        let (own, own_port) = own.split_once(':').unwrap_or((own, "80"));
        let name = if asked.is_empty() { own } else { asked };
        let name = if signature == 2 {
            format!("<a href=\"mailto:{}\">{name}</a>", spot.host.admin)
        } else {
            name.to_owned()
        };
        let header = request.and_then(|request| request.header_text("host"));
        let said = header.and_then(|header| header.rsplit_once(':'));
        let port = match (header, said) {
            (_, Some((_, port))) => port,
            (Some(_), None) => "80",
            (None, _) => own_port,
        };
        let rule = if draft.status < 300 { "" } else { "<hr>\n" };
        let line = format!(
            "{rule}<address>{} Server at {name} Port {port}</address>\n</body></html>\n",
            self.config.product
        );
        let page = String::from_utf8_lossy(bytes).replace("</body></html>\n", &line);
        replace(draft, page);
    }
}

/// Another page in an answer, with its length where one was told.
fn replace(draft: &mut Draft, page: String) {
    for (name, value) in &mut draft.headers {
        if name == "Content-Length" {
            *value = page.len().to_string();
        }
    }
    draft.body = Body::Bytes(page.into_bytes());
}
