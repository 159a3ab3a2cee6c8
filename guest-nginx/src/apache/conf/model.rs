//! What a configuration means: hosts, what holds in their folders and places, and where they log.
//! It reads nothing.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use crate::conf::model::LogTarget;
use crate::conf::pattern::Pattern;

/// A whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder that relative names start from.
    pub root: String,
    /// The addresses to listen on.
    pub listens: Vec<SocketAddrV4>,
    /// The main server first, then the virtual hosts in order.
    pub hosts: Vec<Host>,
    /// What the `Server` header says.
    pub product: &'static str,
    /// The file for the process's number.
    pub pid: Option<String>,
    /// The file of types, read when the server starts.
    pub types_file: Option<String>,
    /// Whether folders can be listed.
    pub autoindex: bool,
    /// Whether `DirectoryIndex` and the way to a folder's slash are there.
    pub dir: bool,
    /// How many clients are served at once.
    pub clients: u64,
    /// The modules, in the order of loading.
    pub modules: Vec<String>,
    /// The user and group it would become.
    pub owner: (String, String),
    /// What is worth a warning.
    pub warnings: Vec<String>,
}

/// One server.
#[derive(Clone, Debug)]
pub struct Host {
    /// The addresses of a virtual host; no address or port means any.
    pub addresses: Vec<(Option<Ipv4Addr>, Option<u16>)>,
    /// Its name; empty when none was given.
    pub name: String,
    /// Other names, with wildcards.
    pub aliases: Vec<String>,
    /// Where it begins: the file and the line.
    pub place: (Rc<str>, usize),
    /// Who is told about on error pages.
    pub admin: String,
    /// The folder of documents.
    pub root: String,
    /// Whether `Allow` names `TRACE`, which is refused all the same.
    pub traces: bool,
    /// Whether connections stay.
    pub keep_alive: bool,
    /// How long they may be idle, in milliseconds.
    pub keep_alive_ms: u64,
    /// How many requests they may carry; any when zero.
    pub max_requests: u64,
    /// How long a first head may take, in milliseconds.
    pub timeout_ms: u64,
    /// Where errors go.
    pub error_log: LogTarget,
    /// How important an error must be: `emerg` is 0, `debug` 7.
    pub level: u8,
    /// Where requests go, and how each line looks.
    pub logs: Vec<(LogTarget, String)>,
    /// Paths that stand for other files, in order.
    pub aliased: Vec<(Matcher, String)>,
    /// Paths that are elsewhere.
    pub redirects: Vec<Redirect>,
    /// What holds everywhere.
    pub base: Settings,
    /// What holds in parts.
    pub sections: Vec<Section>,
}

/// Paths that mean something.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// This one and all below it.
    Path(String),
    /// All that fit.
    Pattern(Pattern),
}

/// A path that is elsewhere.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// What is said.
    pub status: u16,
    /// Which paths.
    pub from: Matcher,
    /// Where they are; empty when they are nowhere.
    pub to: String,
}

/// What a section is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A folder of the file system.
    Directory,
    /// File names.
    Files,
    /// Paths of requests.
    Location,
}

/// Which folders, files or paths a section is about.
#[derive(Clone, Debug)]
pub enum Which {
    /// A name, and for folders and paths all below it.
    Plain(String),
    /// A name with stars.
    Glob(String),
    /// All that fit.
    Pattern(Pattern),
}

/// One section.
#[derive(Clone, Debug)]
pub struct Section {
    /// What it is about.
    pub kind: Kind,
    /// Which ones.
    pub which: Which,
    /// What holds there.
    pub settings: Settings,
}

/// Addresses with a common beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    /// One of them.
    pub address: Ipv4Addr,
    /// How many bits they share.
    pub bits: u32,
}

/// A condition for being let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Require {
    /// `all granted`, or `all denied`.
    All(bool),
    /// An address of these.
    Ip(Vec<Net>),
    /// The machine itself.
    Local,
    /// One of these methods.
    Method(Vec<String>),
    /// Anybody with a password.
    ValidUser,
    /// One of these.
    User(Vec<String>),
    /// The opposite.
    Not(Box<Self>),
    /// One of them.
    AnyOf(Vec<Self>),
    /// All of them.
    AllOf(Vec<Self>),
    /// None of them.
    NoneOf(Vec<Self>),
}

/// `Order`, `Allow` and `Deny` of Apache 2.2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compat {
    /// `Order allow,deny`: who is not named stays outside.
    pub allow_first: bool,
    /// Who may.
    pub allow: Vec<Net>,
    /// Who may not.
    pub deny: Vec<Net>,
}

/// What `Header` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// One more.
    Add,
    /// Instead of others.
    Set,
    /// When there is none.
    SetIfEmpty,
    /// Behind what is there.
    Append,
    /// Behind what is there, unless it is there.
    Merge,
    /// None.
    Unset,
}

/// One `Header` directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whether it is about every answer, or about those that went well.
    pub always: bool,
    /// What is done.
    pub act: Act,
    /// The header.
    pub name: String,
    /// What it says.
    pub value: String,
}

/// What can be said for a part of a server. Nothing means that nothing was said.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Who is let in.
    pub require: Option<Require>,
    /// And by the older rules.
    pub compat: Option<Compat>,
    /// Whether `AuthType` is `Basic`.
    pub basic: bool,
    /// `AuthName`.
    pub realm: Option<String>,
    /// The file of users.
    pub users: Option<String>,
    /// `Indexes`, set or changed.
    pub indexes: Option<bool>,
    /// Names tried for a folder.
    pub index: Option<Vec<String>>,
    /// The path for what is not there.
    pub fallback: Option<String>,
    /// What is said instead of Apache's own pages.
    pub errors: BTreeMap<u16, String>,
    /// What is done with headers.
    pub headers: Vec<Change>,
    /// Redirects of this part.
    pub redirects: Vec<Redirect>,
    /// Types by extension; none where one was taken away.
    pub types: BTreeMap<String, Option<Rc<str>>>,
    /// The type of all files here.
    pub forced: Option<Rc<str>>,
    /// Character sets by extension.
    pub charsets: BTreeMap<String, String>,
    /// Languages by extension.
    pub languages: BTreeMap<String, String>,
    /// Encodings by extension.
    pub encodings: BTreeMap<String, String>,
    /// The character set of texts that name none; said to be none with the inner nothing.
    pub charset: Option<Option<String>>,
    /// A handler that is not here.
    pub handler: Option<String>,
    /// The line under error pages: 0 none, 1 the server, 2 with a letter to its keeper.
    pub signature: Option<u8>,
    /// Sections for files, in order.
    pub files: Vec<Section>,
}

impl Settings {
    /// What holds when `inner` is said inside.
    pub fn merge(&mut self, inner: &Self) {
        fn over<T: Clone>(own: &mut Option<T>, inner: &Option<T>) {
            if inner.is_some() {
                own.clone_from(inner);
            }
        }
        over(&mut self.require, &inner.require);
        over(&mut self.compat, &inner.compat);
        self.basic |= inner.basic;
        over(&mut self.realm, &inner.realm);
        over(&mut self.users, &inner.users);
        over(&mut self.indexes, &inner.indexes);
        over(&mut self.index, &inner.index);
        over(&mut self.fallback, &inner.fallback);
        self.errors.extend(inner.errors.clone());
        self.headers.extend(inner.headers.iter().cloned());
        self.redirects.splice(0..0, inner.redirects.iter().cloned());
        self.types.extend(inner.types.clone());
        over(&mut self.forced, &inner.forced);
        self.charsets.extend(inner.charsets.clone());
        self.languages.extend(inner.languages.clone());
        self.encodings.extend(inner.encodings.clone());
        over(&mut self.charset, &inner.charset);
        over(&mut self.handler, &inner.handler);
        over(&mut self.signature, &inner.signature);
        self.files.extend(inner.files.iter().cloned());
    }
}

impl Matcher {
    /// Where a path is that this one is about: `to` with what is left of it, or with its groups.
    pub fn moved(&self, path: &str, to: &str) -> Option<String> {
        match self {
            Self::Path(from) => {
                let rest = path.strip_prefix(from.as_str())?;
                let below = rest.is_empty() || from.ends_with('/') || rest.starts_with('/');
                below.then(|| format!("{to}{rest}"))
            }
            Self::Pattern(pattern) => {
                let groups = pattern.groups(path)?;
                let (mut out, mut chars) = (String::new(), to.chars().peekable());
                while let Some(char) = chars.next() {
                    let digit = chars.peek().and_then(|next| next.to_digit(10));
                    match (char, digit) {
                        ('$', Some(digit)) => {
                            chars.next();
                            let at = usize::try_from(digit).unwrap_or(0);
                            let group = groups.get(at).copied().flatten();
                            out.push_str(group.map_or("", |(from, to)| &path[from..to]));
                        }
                        _ => out.push(char),
                    }
                }
                Some(out)
            }
        }
    }
}

impl Section {
    fn fits(&self, path: &str) -> bool {
        match (&self.which, self.kind) {
            (Which::Plain(name), Kind::Files) => name == path,
            (Which::Plain(name), Kind::Location) if name.ends_with('/') && name != "/" => {
                path.starts_with(name)
            }
            (Which::Plain(name), _) => {
                let bare = name.trim_end_matches('/');
                path.strip_prefix(bare)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || bare.is_empty())
            }
            (Which::Glob(pattern), Kind::Files) => crate::conf::tree::fits(pattern, path),
            (Which::Glob(pattern), _) => {
                // A star does not stand for a slash: part by part, and all below.
                let (mut parts, pattern) = (path.split('/'), pattern.trim_end_matches('/'));
                pattern.split('/').all(|part| {
                    parts
                        .next()
                        .is_some_and(|name| crate::conf::tree::fits(part, name))
                })
            }
            (Which::Pattern(pattern), _) => pattern.fits(path),
        }
    }
}

impl Host {
    /// Whether it is called so.
    pub fn is_called(&self, name: &str) -> bool {
        let bare = self.name.rsplit("://").next().unwrap_or_default();
        let bare = bare.split(':').next().unwrap_or_default();
        let fits = |alias: &String| crate::conf::tree::fits(&alias.to_ascii_lowercase(), name);
        bare.eq_ignore_ascii_case(name) || self.aliases.iter().any(fits)
    }

    /// What holds for a file asked for by a path: folders from the root down, then patterns of
    /// folders, then files, then paths, as Apache goes.
    pub fn settings(&self, path: &str, file: &str) -> Settings {
        let mut settings = self.base.clone();
        let of = |kind: Kind| self.sections.iter().filter(move |one| one.kind == kind);
        let pattern = |section: &&Section| matches!(section.which, Which::Pattern(_));
        let mut folders: Vec<_> = of(Kind::Directory)
            .filter(|section| !pattern(section) && section.fits(file))
            .collect();
        // The shortest first, so that the nearest one has the last word.
        folders.sort_by_key(|section| match &section.which {
            Which::Plain(name) | Which::Glob(name) => {
                name.trim_end_matches('/').matches('/').count()
            }
            Which::Pattern(_) => 0,
        });
        for section in folders {
            settings.merge(&section.settings);
        }
        let folder = file.rsplit_once('/').map_or("/", |(folder, _)| folder);
        for section in of(Kind::Directory).filter(pattern) {
            if section.fits(file) || section.fits(folder) || section.fits(&format!("{folder}/")) {
                settings.merge(&section.settings);
            }
        }
        let name = file.rsplit('/').next().unwrap_or_default();
        for section in std::mem::take(&mut settings.files) {
            if section.fits(name) {
                settings.merge(&section.settings);
            }
        }
        for section in of(Kind::Location).filter(|section| section.fits(path)) {
            settings.merge(&section.settings);
        }
        settings
    }
}
