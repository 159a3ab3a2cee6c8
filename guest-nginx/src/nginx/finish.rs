//! From a draft to a reply: what every answer gets, whoever drafted it.
//! Added headers, expiry, charset, compression, chunks, and whether the connection stays.

use crate::conf::settings::Expires;
use crate::http::date::{self, Date};
use crate::http::request::Version;
use crate::reply::{Body, Reply};

use super::draft::{Draft, Manner};
use super::turn::Turn;

/// Statuses that `add_header` and `expires` apply to.
const ADDED_TO: [u16; 10] = [200, 201, 204, 206, 301, 302, 303, 304, 307, 308];
/// The last second of 2037, as far as `expires max` goes.
const MAX: u64 = 2_145_916_555;
const DAY: i64 = 86_400;

impl Turn<'_> {
    /// An answer as bytes. `stopping` closes the connection after it.
    pub fn finish(&mut self, mut draft: Draft, stopping: bool) -> Reply {
        if let Some(error) = self.error
            && !draft.made_up
        {
            draft.status = error;
            draft.reason = None;
        }
        self.status = if draft.status == 494 {
            400
        } else {
            draft.status
        };
        let head_only = self.request.is_head();
        let bodiless = matches!(draft.status, 204 | 304 | 101);
        if bodiless {
            draft.content_type = None;
            draft.length = None;
            draft.body = Body::Empty;
            if draft.status == 204 {
                draft.last_modified = None;
                draft.last_modified_text = None;
            }
        }
        if draft.status == 304 {
            draft.ranges = None;
        }
        self.pad(&mut draft);
        self.charset(&mut draft);
        self.expire(&mut draft);
        self.add_headers(&mut draft);
        let (vary, gzip) = self.compress(&mut draft, head_only || bodiless);
        let modern = self.request.version == Version::Http11;
        let endless = draft.length.is_none() && !bodiless && !draft.upgrade;
        let chunked = endless && modern && self.settings.chunked && !head_only;
        let stays = self.request.keep_alive
            && self.reject.is_none()
            && !draft.close
            && !stopping
            && (chunked || !endless || head_only)
            && self.settings.keepalive_timeout.0 > 0
            && self.client.served + 1 < self.settings.keepalive_requests;
        let old = self.request.version == Version::Http09 && self.reject.is_none();
        let mut head = if old {
            Vec::new()
        } else {
            draft.head(
                self.now.seconds,
                Manner {
                    product: self.product(),
                    keep_alive: stays,
                    keep_alive_header: self.settings.keepalive_timeout.1,
                    chunked,
                    vary,
                },
            )
        };
        self.head.clone_from(&head);
        if self.expects_continue(&draft) {
            head.splice(0..0, *b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        Reply {
            status: self.status,
            head,
            body: if head_only { Body::Empty } else { draft.body },
            chunked,
            gzip,
            keep_alive: stays,
            idle_ms: self.settings.keepalive_timeout.0,
            rate: self.rate(),
            rate_after: self.settings.limit_rate_after,
            send_ms: self.settings.send_timeout,
        }
    }

    /// Makes a page about an error long enough for browsers that hide short ones, as nginx tells them.
    fn pad(&self, draft: &mut Draft) {
        const LINE: &str = "<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n";
        let agent = self.request.header_text("user-agent").unwrap_or_default();
        let opera = agent.contains("Opera");
        let msie = agent
            .find("MSIE ")
            .is_some_and(|at| at + 7 < agent.len() && !opera);
        let chrome = !msie && !opera && !agent.contains("Gecko/") && agent.contains("Chrome/");
        if let Body::Bytes(page) = &mut draft.body
            && draft.made_up
            && draft.status >= 400
            && self.settings.msie_padding
            && self.request.version > Version::Http09
            && (msie || chrome)
        {
            page.extend_from_slice(LINE.repeat(6).as_bytes());
            draft.length = Some(page.len() as u64);
        }
    }

    fn rate(&self) -> u64 {
        let set = self.limit_rate.clone();
        let said = || {
            let template = self.settings.limit_rate.as_ref()?;
            Some(self.render(template))
        };
        let Some(text) = set.or_else(said) else {
            return 0;
        };
        let text = String::from_utf8_lossy(&text).to_ascii_lowercase();
        let digits = text.trim_end_matches(['k', 'm']);
        let scale = match text.as_bytes().last() {
            Some(b'k') => 1024,
            Some(b'm') => 1024 * 1024,
            _ => 1,
        };
        digits
            .parse::<u64>()
            .map_or(0, |rate| rate.saturating_mul(scale))
    }

    /// nginx invites the body it is going to pass over, except before an error.
    fn expects_continue(&self, draft: &Draft) -> bool {
        self.expects()
            && !draft.made_up
            && draft.status < 400
            && self.body.is_none()
            && self.asked.is_empty()
    }

    /// Whether the client waits to be told to send its body.
    pub fn expects(&self) -> bool {
        self.request.version == Version::Http11
            && self.error.is_none()
            && self
                .request
                .header("expect")
                .is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
    }

    fn charset(&self, draft: &mut Draft) {
        let settings = &self.settings;
        let (Some(charset), Some(kind)) = (&settings.charset, &mut draft.content_type) else {
            return;
        };
        let bare = kind.split(';').next().unwrap_or_default().trim();
        let has = kind.contains("charset=");
        let foreign = draft.reason.is_some();
        if !settings.charset_types.contains(&bare.to_ascii_lowercase())
            || (has && !(foreign && settings.override_charset))
            || draft.made_up
        {
            return;
        }
        *kind = format!("{bare}; charset={charset}");
    }

    fn add_headers(&self, draft: &mut Draft) {
        let fine = ADDED_TO.contains(&draft.status);
        for header in self.settings.add_headers.iter() {
            if !header.always && !fine {
                continue;
            }
            let value = self.render(&header.value);
            let name = header.name.as_str();
            if name.eq_ignore_ascii_case("last-modified") || name.eq_ignore_ascii_case("etag") {
                draft
                    .more
                    .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
                if name.eq_ignore_ascii_case("last-modified") {
                    draft.last_modified = None;
                    let text = String::from_utf8_lossy(&value).into_owned();
                    draft.last_modified_text = (!value.is_empty()).then_some(text);
                    continue;
                }
            }
            if !value.is_empty() {
                draft.more.push((header.name.clone(), value));
            }
        }
    }

    fn expire(&self, draft: &mut Draft) {
        if !ADDED_TO.contains(&draft.status) {
            return;
        }
        let now = i64::try_from(self.now.seconds).unwrap_or(0);
        let changed = draft
            .last_modified
            .and_then(|seconds| i64::try_from(seconds).ok());
        let (moment, age) = match self.settings.expires {
            Expires::Off => return,
            Expires::Epoch => (1, None),
            Expires::Max => (i64::try_from(MAX).unwrap_or(0), Some(315_360_000)),
            Expires::Access(seconds) => (now + seconds, Some(seconds)),
            Expires::Modified(seconds) => match changed {
                Some(changed) => (changed + seconds, Some(changed + seconds - now)),
                None => (now + seconds, Some(seconds)),
            },
            Expires::Daily(second) => {
                let mut age = second - now % DAY;
                if age < 0 {
                    age += DAY;
                }
                (now + age, Some(age))
            }
        };
        let moment = Date::of(u64::try_from(moment).unwrap_or(0)).http();
        let control = match age {
            Some(age) if age >= 0 => format!("max-age={age}"),
            _ => "no-cache".to_owned(),
        };
        draft.more.push(("Expires".to_owned(), moment.into_bytes()));
        draft
            .more
            .push(("Cache-Control".to_owned(), control.into_bytes()));
    }

    /// Whether caches are told about compression, and how hard this answer is compressed.
    fn compress(&self, draft: &mut Draft, head_only: bool) -> (bool, Option<u32>) {
        let settings = &self.settings;
        let kind = draft.content_type.as_deref().unwrap_or_default();
        let fitting = matches!(draft.status, 200 | 403 | 404) && !draft.encoded;
        if !fitting || !self.compressible(kind, draft.length) {
            return (settings.gzip_vary && draft.encoded, None);
        }
        if !self.takes_gzip() || !self.may_pass(draft) {
            return (settings.gzip_vary, None);
        }
        draft.length = None;
        draft.ranges = None;
        let parts = |name: &str| name.eq_ignore_ascii_case("accept-ranges");
        draft.more.retain(|(name, _)| !parts(name));
        for (name, value) in &mut draft.more {
            // What is compressed is no longer the same byte by byte.
            if name.eq_ignore_ascii_case("etag") && value.starts_with(b"\"") {
                value.splice(0..0, *b"W/");
            }
        }
        let coding = ("Content-Encoding".to_owned(), b"gzip".to_vec());
        draft.more.push(coding);
        // Who asks for a head only is told what the body would be.
        let level = (!head_only).then_some(settings.gzip_level);
        (settings.gzip_vary, level)
    }

    /// Whether what a proxy asked for may be compressed: caches between might hand it to others.
    fn may_pass(&self, draft: &Draft) -> bool {
        if self.request.header("via").is_none() {
            return true;
        }
        let asked = |word: &str| self.settings.gzip_proxied.contains(word);
        let header = |name: &str| {
            let found = draft
                .more
                .iter()
                .find(|(own, _)| own.eq_ignore_ascii_case(name));
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        let control = header("cache-control").unwrap_or_default();
        let expires = header("expires");
        let past =
            |text: &String| date::parse_http(text).is_none_or(|moment| moment < self.now.seconds);
        let by_control = ["no-cache", "no-store", "private"];
        asked("any")
            || asked("auth") && self.request.header("authorization").is_some()
            || asked("expired") && expires.as_ref().is_some_and(past)
            || by_control
                .iter()
                .any(|word| asked(word) && control.contains(word))
            || asked("no_last_modified") && draft.last_modified.is_none()
            || asked("no_etag") && header("etag").is_none()
    }

    /// Whether answers of this type and length are compressed for those who take it.
    pub(super) fn compressible(&self, kind: &str, length: Option<u64>) -> bool {
        let settings = &self.settings;
        let bare = kind.split(';').next().unwrap_or_default().trim();
        let types = &settings.gzip_types;
        settings.gzip
            && (types.contains("*") || types.contains(&bare.to_ascii_lowercase()))
            && length.is_none_or(|length| length >= settings.gzip_min_length)
    }

    /// Whether the client takes compressed answers, and may have one.
    pub(super) fn takes_gzip(&self) -> bool {
        let settings = &self.settings;
        if settings.gzip_11 && self.request.version < Version::Http11 {
            return false;
        }
        let Some(codings) = self.request.header_text("accept-encoding") else {
            return false;
        };
        let mut words = codings.split(',').map(|word| {
            let (name, rest) = word.split_once(';').unwrap_or((word, ""));
            let quality = rest
                .trim()
                .strip_prefix("q=")
                .map_or(1.0, |text| text.trim().parse::<f32>().unwrap_or(0.0));
            (name.trim().to_ascii_lowercase(), quality)
        });
        let takes = words.any(|(name, quality)| name == "gzip" && quality > 0.0);
        let agent = self.request.header_text("user-agent").unwrap_or_default();
        let disabled = settings.gzip_disable.iter();
        takes && !disabled.into_iter().any(|pattern| pattern.fits(agent))
    }
}
