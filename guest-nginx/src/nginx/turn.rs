//! One request on its way through nginx's phases, redirects inside included.
//!
//! ```text
//!  server's codes ─► location ─► its codes ─► limits ─► access ─► files tried ─► content
//!        ▲              ▲           │ path changed         │          │            │
//!        │              └───────────┘                      └──────────┴────┬───────┘
//!        └──────────────── a redirect inside, an error page ◄──────────────┘
//! ```

use std::cell::RefCell;

use crate::conf::model::{Code, Config, Handler, Level, Location, ProxyPass, Server};
use crate::conf::pattern::Groups;
use crate::conf::settings::Settings;
use crate::http::date::Now;
use crate::http::request::{Reject, Request};
use crate::http::uri;
use crate::reply::Client;
use crate::vars::Template;

use super::draft::Draft;
use super::limits::Held;
use super::{House, pages};
use std::rc::Rc;

/// How often a path may be changed, as in nginx.
const MAX_CHANGES: u32 = 10;

/// What is to be done for a request.
#[derive(Debug)]
pub enum Verdict {
    /// Say this.
    Say(Box<Draft>),
    /// Close without a word.
    Silence,
    /// Ask another server; `Turn::failed` when none answers.
    Proxy(Rc<ProxyPass>),
    /// Go on with `Turn::run` after so many milliseconds.
    Wait(u64),
}

/// What a phase leads to.
pub(super) enum Step {
    /// The next phase.
    Next,
    Say(Box<Draft>),
    Silence,
    Wait(u64),
    Proxy(Rc<ProxyPass>),
    /// Begin again with this target, or in the named location.
    Go(String),
    /// Search for a location again.
    Again,
    Fail(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Server,
    Find,
    Codes,
    Limits,
    Access,
    Try,
    Content,
}

/// What an upstream said and how long it took, for variables.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Its address.
    pub address: String,
    /// Its status.
    pub status: u16,
    /// Milliseconds until it was connected, if it was.
    pub connect_ms: Option<u64>,
    /// Until its head was there.
    pub header_ms: Option<u64>,
    /// Until it was done.
    pub response_ms: u64,
    /// How many bytes of body it sent.
    pub length: u64,
    /// How many bytes in all.
    pub received: u64,
}

/// The values that a request gave to variables, and what an expression found last.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub user: Vec<Option<Vec<u8>>>,
    pub subject: Vec<u8>,
    pub groups: Groups,
    /// How deep maps are asked by maps.
    pub depth: u32,
}

/// A request and what is known of it.
#[derive(Debug)]
pub struct Turn<'a> {
    pub(super) config: &'a Config,
    pub(super) house: &'a House,
    pub(super) client: &'a Client,
    /// The request; an empty one when there was none to understand.
    pub request: &'a Request,
    pub(super) reject: Option<&'a Reject>,
    pub(super) now: Now,
    /// When it began, in nanoseconds of the loop's clock.
    pub started_ns: u64,
    pub(super) server: &'a Server,
    pub(super) location: &'a Location,
    pub(super) settings: Rc<Settings>,
    pub(super) handler: Option<Handler>,
    phase: Phase,
    /// The path, which rewrites change.
    pub path: String,
    /// What follows the question mark.
    pub args: Vec<u8>,
    /// The method, which an error page turns into GET.
    pub method: &'a str,
    pub(super) memory: RefCell<Memory>,
    /// The status an error page is given under.
    pub(super) error: Option<u16>,
    in_error_page: bool,
    internal: bool,
    changes: u32,
    /// Whether the path is what the client wrote, so that it can be passed on unchanged.
    pub pristine: bool,
    /// What `set $limit_rate` said.
    pub(super) limit_rate: Option<Vec<u8>>,
    pub(super) user: Option<String>,
    pub(super) held: Vec<Held<'a>>,
    pub(super) limit_status: (&'static str, &'static str),
    pub(super) realm: Option<Vec<u8>>,
    /// The whole body, when it was read for somebody else.
    pub body: Option<Vec<u8>>,
    /// The upstreams that were asked.
    pub asked: Vec<Asked>,
    /// Where among them each group of upstreams began.
    pub passes: Vec<usize>,
    /// `$proxy_host` of the upstream asked last.
    pub proxy_host: String,
    /// Lines for the error log.
    pub notes: Vec<(Level, String)>,
    /// The status that was said.
    pub status: u16,
    /// The headers that were said, for `$sent_http_…`.
    pub head: Vec<u8>,
    /// How many bytes of the body were sent.
    pub sent: u64,
    /// Whether all of it was.
    pub complete: bool,
    /// When it was done, in nanoseconds of the loop's clock.
    pub ended_ns: u64,
    /// Headers of the upstream's answer, for `$upstream_http_…`.
    pub upstream_headers: Vec<(String, Vec<u8>)>,
}

impl<'a> Turn<'a> {
    /// A request that came to this configuration.
    pub fn new(
        config: &'a Config,
        house: &'a House,
        client: &'a Client,
        request: &'a Request,
        now: Now,
        started_ns: u64,
    ) -> Self {
        let (number, groups) = config.choose(client.local, &request.host);
        let server = &config.servers[number];
        let location = &server.locations[0];
        let turn = Self {
            config,
            house,
            client,
            request,
            reject: None,
            now,
            started_ns,
            server,
            location,
            settings: Rc::clone(&location.settings),
            handler: None,
            phase: Phase::Server,
            path: request.path.clone(),
            args: request.query().unwrap_or_default().to_vec(),
            method: request.method(),
            memory: RefCell::default(),
            error: None,
            in_error_page: false,
            internal: false,
            changes: 0,
            pristine: true,
            limit_rate: None,
            user: None,
            held: Vec::new(),
            limit_status: ("", ""),
            realm: None,
            body: None,
            asked: Vec::new(),
            passes: Vec::new(),
            proxy_host: String::new(),
            notes: Vec::new(),
            status: 0,
            head: Vec::new(),
            sent: 0,
            complete: false,
            ended_ns: started_ns,
            upstream_headers: Vec::new(),
        };
        if let Some(groups) = groups {
            turn.remember(request.host.as_bytes().to_vec(), groups);
            let found = server.names.iter().find_map(|name| match name {
                crate::conf::model::ServerName::Regex(pattern) if pattern.fits(&request.host) => {
                    Some(pattern)
                }
                _ => None,
            });
            if let Some(pattern) = found {
                turn.name_groups(pattern);
            }
        }
        turn
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The location in force.
    pub fn location(&self) -> &'a Location {
        self.location
    }

    /// What this server calls itself.
    pub fn product(&self) -> &'static str {
        if self.settings.server_tokens {
            pages::product()
        } else {
            "nginx"
        }
    }

    /// A refusal of what could not be understood.
    pub fn refuse(&mut self, reject: &'a Reject) -> Verdict {
        self.reject = Some(reject);
        self.note(Level::Info, reject.reason.to_owned());
        self.verdict(Step::Fail(reject.status))
    }

    /// Runs through the phases until something is to be done.
    pub fn run(&mut self) -> Verdict {
        let stranger = match self.phase {
            Phase::Server if !self.internal => self.stranger(),
            _ => None,
        };
        let step = stranger.map_or_else(|| self.phases(), Step::Fail);
        self.verdict(step)
    }

    /// Goes on after an error, with its page if there is one.
    pub fn failed(&mut self, status: u16) -> Verdict {
        self.verdict(Step::Fail(status))
    }

    /// Goes on somewhere else, as an upstream asked for by `X-Accel-Redirect`.
    pub fn redirected(&mut self, target: String) -> Verdict {
        self.verdict(Step::Go(target))
    }

    /// Whether the configuration has a page for this status of an upstream.
    pub fn has_page(&self, status: u16) -> bool {
        let mut pages = self.settings.error_pages.iter();
        !self.in_error_page && pages.any(|page| page.statuses.contains(&status))
    }

    fn verdict(&mut self, mut step: Step) -> Verdict {
        loop {
            step = match step {
                Step::Say(draft) => return Verdict::Say(draft),
                Step::Silence => return Verdict::Silence,
                Step::Wait(ms) => return Verdict::Wait(ms),
                Step::Proxy(pass) => return Verdict::Proxy(pass),
                Step::Fail(status) => self.fail(status),
                Step::Go(target) => self.go(&target),
                Step::Next | Step::Again => self.phases(),
            }
        }
    }

    fn phases(&mut self) -> Step {
        loop {
            let (step, next) = match self.phase {
                Phase::Server => (self.run_codes(&self.server.locations[0].codes), Phase::Find),
                Phase::Find => (self.find(), Phase::Codes),
                Phase::Codes => (self.location_codes(), Phase::Limits),
                Phase::Limits => (self.limits(), Phase::Access),
                Phase::Access => (self.access(), Phase::Try),
                Phase::Try => (self.try_files(), Phase::Content),
                Phase::Content => (self.content(), Phase::Content),
            };
            self.phase = next;
            match step {
                Step::Next => {}
                Step::Again => {
                    self.phase = Phase::Find;
                    self.changes += 1;
                    if self.changes > MAX_CHANGES {
                        return self.cycle("rewrite");
                    }
                }
                step => return step,
            }
        }
    }

    fn cycle(&mut self, what: &str) -> Step {
        let message = format!(
            "{what} or internal redirection cycle while {} \"{}\"",
            if what == "rewrite" {
                "processing"
            } else {
                "redirect to"
            },
            self.path
        );
        self.note(Level::Error, message);
        // No page may begin the cycle anew.
        self.in_error_page = true;
        Step::Fail(500)
    }

    fn find(&mut self) -> Step {
        use crate::conf::Located;
        let at = match self.server.locate(&self.path) {
            Located::Slash(at) => {
                self.enter(at);
                let query = if self.args.is_empty() { "" } else { "?" };
                let args = String::from_utf8_lossy(&self.args).into_owned();
                let place = format!("{}/{query}{args}", uri::escape(&self.path));
                return Step::Say(Box::new(self.redirect(301, place)));
            }
            Located::At(at, groups) => {
                if let Some(groups) = groups {
                    self.remember(self.path.clone().into_bytes(), groups);
                    if let crate::conf::Modifier::Regex(pattern) =
                        &self.server.locations[at].modifier
                    {
                        self.name_groups(pattern);
                    }
                }
                at
            }
        };
        self.enter(at);
        if self.location.internal && !self.internal {
            return Step::Fail(404);
        }
        let most = self.settings.client_max_body_size;
        if let Some(length) = self.request.length()
            && most > 0
            && length > most
            && self.error.is_none()
            && !self.in_error_page
        {
            let message = format!("client intended to send too large body: {length} bytes");
            self.note(Level::Error, message);
            return Step::Fail(413);
        }
        Step::Next
    }

    /// From now on this location is in force.
    fn enter(&mut self, at: usize) {
        self.location = &self.server.locations[at];
        self.settings = Rc::clone(&self.location.settings);
        self.handler.clone_from(&self.location.handler);
        if let Some((free, inner)) = &self.location.limit_except
            && !free.iter().any(|method| method == self.method)
        {
            let inner = &self.server.locations[*inner];
            self.settings = Rc::clone(&inner.settings);
            if inner.handler.is_some() {
                self.handler.clone_from(&inner.handler);
            }
        }
    }

    /// From now on the location that an `if` is.
    pub(super) fn enter_if(&mut self, at: usize) {
        let inner = &self.server.locations[at];
        self.settings = Rc::clone(&inner.settings);
        if inner.handler.is_some() {
            self.handler.clone_from(&inner.handler);
        }
        // Files are tried in the location itself only, as in nginx.
        self.location = inner;
    }

    fn location_codes(&mut self) -> Step {
        if std::ptr::eq(self.location, &raw const self.server.locations[0]) {
            return Step::Next;
        }
        let codes: &'a [Code] = &self.location.codes;
        self.run_codes(codes)
    }

    /// A redirect inside: a named location, or a target.
    fn go(&mut self, target: &str) -> Step {
        self.changes += 1;
        if self.changes > MAX_CHANGES {
            target.clone_into(&mut self.path);
            return self.cycle("redirect");
        }
        self.internal = true;
        if target.starts_with('@') {
            let Some(at) = self.server.named(target) else {
                self.note(
                    Level::Error,
                    format!("could not find named location \"{target}\""),
                );
                self.in_error_page = true;
                return Step::Fail(500);
            };
            self.enter(at);
            self.phase = Phase::Codes;
            return Step::Next;
        }
        let (path, args) = target.split_once('?').unwrap_or((target, ""));
        path.clone_into(&mut self.path);
        self.args = args.as_bytes().to_vec();
        self.pristine = false;
        self.phase = Phase::Server;
        Step::Next
    }

    /// What stands at the error's place: a page of the configuration, or nginx's own.
    fn fail(&mut self, status: u16) -> Step {
        let settings = Rc::clone(&self.settings);
        let pages = settings.error_pages.iter();
        let page = pages
            .clone()
            .find(|page| page.statuses.contains(&status))
            .filter(|_| !self.in_error_page && self.changes < MAX_CHANGES);
        let Some(page) = page else {
            let mut draft = Draft::page(status, self.product());
            self.error = None;
            if status == 401
                && let Some(realm) = self.realm.clone()
            {
                draft.more.push(("WWW-Authenticate".to_owned(), realm));
            }
            return Step::Say(Box::new(draft));
        };
        self.in_error_page = !settings.recursive_error_pages;
        let uri = self.render_text(&page.uri);
        if uri.starts_with('/') || uri.starts_with('@') {
            self.error = match page.status {
                None => Some(status),
                Some(0) => None,
                Some(other) => Some(other),
            };
            if uri.starts_with('/') && self.method != "HEAD" {
                self.method = "GET";
            }
            return Step::Go(uri);
        }
        let moved = page
            .status
            .filter(|code| matches!(code, 301 | 302 | 303 | 307 | 308))
            .unwrap_or(302);
        Step::Say(Box::new(self.redirect(moved, uri)))
    }

    /// A redirect: to a place of this server with its address before it, elsewhere as it is.
    pub(super) fn redirect(&self, status: u16, place: String) -> Draft {
        let mut draft = Draft::page(status, self.product());
        if !place.starts_with('/') || !self.settings.absolute_redirect {
            draft.more.push(("Location".to_owned(), place.into_bytes()));
            return draft;
        }
        draft.redirect = self.absolute(&place);
        draft
    }

    /// A place of this server with its address before it.
    pub fn absolute(&self, place: &str) -> Option<String> {
        let own = || self.client.local.ip().to_string();
        let named = || match self.server.name.as_str() {
            "" => own(),
            name => name.to_owned(),
        };
        let host = if self.settings.server_name_in_redirect {
            named()
        } else if self.request.host.is_empty() {
            own()
        } else {
            self.request.host.clone()
        };
        let (scheme, usual) = if self.client.tls.is_some() {
            ("https", 443)
        } else {
            ("http", 80)
        };
        let port = match self.client.local.port() {
            port if port == usual || !self.settings.port_in_redirect => String::new(),
            port => format!(":{port}"),
        };
        Some(format!("{scheme}://{host}{port}{place}"))
    }

    /// Remembers what an expression found, for `$1` to `$9`.
    pub(super) fn remember(&self, subject: Vec<u8>, groups: Groups) {
        let mut memory = self.memory.borrow_mut();
        memory.subject = subject;
        memory.groups = groups;
    }

    /// Sets the variables that an expression's groups are named after.
    pub(super) fn name_groups(&self, pattern: &crate::conf::pattern::Pattern) {
        for (group, variable) in pattern.named() {
            let mut value = Vec::new();
            self.capture(*group, &mut value);
            self.set(*variable, value);
        }
    }

    /// Gives a variable of the configuration a value.
    pub(super) fn set(&self, variable: usize, value: Vec<u8>) {
        let mut memory = self.memory.borrow_mut();
        let count = self.config.variables.len().max(variable + 1);
        memory.user.resize(count, None);
        memory.user[variable] = Some(value);
    }

    /// A text with its variables.
    pub fn render(&self, template: &Template) -> Vec<u8> {
        let mut out = Vec::new();
        template.render(&mut out, |var, out| self.value(var, out));
        out
    }

    /// The same with what an expression found in some text.
    pub fn render_with(&self, subject: &str, groups: Groups, template: &Template) -> String {
        self.remember(subject.as_bytes().to_vec(), groups);
        self.render_text(template)
    }

    /// An upstream of the configuration.
    pub fn upstream(&self, at: usize) -> &'a crate::conf::model::Upstream {
        &self.config.upstreams[at]
    }

    /// The number of the upstream of that name.
    pub fn upstream_named(&self, name: &str) -> Option<usize> {
        let mut upstreams = self.config.upstreams.iter();
        upstreams.position(|upstream| upstream.name == name)
    }

    /// The same as text.
    pub fn render_text(&self, template: &Template) -> String {
        if let Some(text) = template.plain() {
            return text.to_owned();
        }
        String::from_utf8_lossy(&self.render(template)).into_owned()
    }

    /// Keeps a line for the error log.
    pub fn note(&mut self, level: Level, what: String) {
        self.notes.push((level, what));
    }
}
