//! From directives to what they mean, with Apache's words for what makes no sense: hosts and sections here,
//! what is said in them beside. It opens no file but to see whether a folder of documents is one.

mod access;
mod host;
mod settings;
mod values;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

use super::lines::words;
use super::model::{Config, Host, Kind, Matcher, Section, Settings, Which};
use super::rules::{self, Place, Rule};
use super::tree::{Directive, Tree};
use super::{modules, quiet};
use crate::conf::model::LogTarget;

type Said<T> = Result<T, String>;

/// The format that has a name from the start.
const COMMON: &str = "%h %l %u %t \"%r\" %>s %b";

/// Where a directive stands.
#[derive(Clone, Copy)]
struct At<'a> {
    host: bool,
    section: Option<&'a str>,
    /// What a redirect or an alias within a section for paths is about.
    path: Option<&'a Which>,
}

struct Builder<'a> {
    tree: &'a Tree,
    config: Config,
    formats: BTreeMap<String, String>,
    /// Logs as they were written: nicknames are looked up when all is read.
    logs: Vec<(usize, LogTarget, String)>,
    /// What was read and changes nothing, by name: the first place, and how often.
    missing: BTreeMap<&'static str, (String, usize)>,
}

/// Understands a tree.
///
/// # Errors
/// The first mistake: the directive's file and line, and Apache's words.
pub(super) fn build(tree: &Tree) -> Result<Config, String> {
    let own = modules::BUILT_IN.iter().map(|name| (*name).to_owned());
    let mut builder = Builder {
        tree,
        config: Config {
            root: tree.root.clone(),
            listens: Vec::new(),
            hosts: vec![host::usual(tree)],
            product: crate::apache::PRODUCT,
            pid: Some(tree.path("logs/httpd.pid")),
            types_file: tree.has("mime").then(|| tree.path("conf/mime.types")),
            autoindex: tree.has("autoindex"),
            dir: tree.has("dir"),
            clients: 400,
            modules: own.chain(tree.modules.iter().cloned()).collect(),
            owner: ("#-1".to_owned(), "#-1".to_owned()),
            warnings: tree.warnings.clone(),
        },
        formats: BTreeMap::from([("clf".to_owned(), COMMON.to_owned())]),
        logs: Vec::new(),
        missing: BTreeMap::new(),
    };
    let at = At {
        host: false,
        section: None,
        path: None,
    };
    // Virtual hosts take over what the main server says anywhere in its files.
    let is_host = |directive: &&Directive| directive.name.eq_ignore_ascii_case("<VirtualHost");
    builder.all(&tree.directives, at)?;
    for directive in tree.directives.iter().filter(is_host) {
        builder.virtual_host(directive, at)?;
    }
    builder.finish()
}

fn fail(directive: &Directive, why: &str) -> String {
    format!(
        "AH00526: Syntax error on line {} of {}:\n{why}",
        directive.line, directive.file
    )
}

fn unknown(name: &str) -> String {
    format!(
        "Invalid command '{name}', perhaps misspelled or defined by a module not included in the server configuration"
    )
}

fn addresses(text: &str) -> Vec<(Option<Ipv4Addr>, Option<u16>)> {
    let all = words(text.trim_end_matches('>'));
    let each = all.iter().map(|word| {
        let (address, port) = word.rsplit_once(':').unwrap_or((word, "*"));
        (address.parse().ok(), port.parse().ok())
    });
    each.collect()
}

impl Builder<'_> {
    fn virtual_host(&mut self, directive: &Directive, at: At<'_>) -> Result<(), String> {
        let main = self.config.hosts[0].clone();
        self.config.hosts.push(Host {
            addresses: addresses(&directive.text),
            name: String::new(),
            aliases: Vec::new(),
            place: (Rc::clone(&directive.file), directive.line),
            logs: Vec::new(),
            aliased: Vec::new(),
            redirects: Vec::new(),
            base: Settings::default(),
            ..main.clone()
        });
        self.all(&directive.inside, At { host: true, ..at })?;
        let own = self.host();
        let said = std::mem::replace(&mut own.base, main.base);
        own.base.merge(&said);
        own.aliased.extend(main.aliased);
        own.redirects.extend(main.redirects);
        Ok(())
    }

    fn all(&mut self, directives: &[Directive], at: At<'_>) -> Result<(), String> {
        for directive in directives {
            if let Some(name) = directive.name.strip_prefix('<') {
                if let Some(section) = self.section(directive, name, at)? {
                    if section.kind == Kind::Files {
                        self.host().base.files.push(section);
                    } else {
                        self.host().sections.push(section);
                    }
                }
                continue;
            }
            let mut settings = std::mem::take(&mut self.host().base);
            let done = self.one(directive, at, &mut settings);
            self.host().base = settings;
            done.map_err(|why| fail(directive, &why))?;
        }
        Ok(())
    }

    fn host(&mut self) -> &mut Host {
        self.config
            .hosts
            .last_mut()
            .expect("the main server is always there")
    }

    /// A section with what it holds; nothing for a virtual host, whose turn comes later.
    fn section(
        &mut self,
        directive: &Directive,
        name: &str,
        at: At<'_>,
    ) -> Result<Option<Section>, String> {
        const KINDS: [(&str, Option<Kind>); 7] = [
            ("Directory", Some(Kind::Directory)),
            ("DirectoryMatch", Some(Kind::Directory)),
            ("Files", Some(Kind::Files)),
            ("FilesMatch", Some(Kind::Files)),
            ("Location", Some(Kind::Location)),
            ("LocationMatch", Some(Kind::Location)),
            ("VirtualHost", None),
        ];
        const ELSEWHERE: [&str; 9] = [
            "If",
            "ElseIf",
            "Else",
            "Limit",
            "LimitExcept",
            "Proxy",
            "ProxyMatch",
            "Macro",
            "AuthnProviderAlias",
        ];
        let err = |why: String| Err(fail(directive, &why));
        let bare = name.trim_end_matches('>');
        if ELSEWHERE
            .iter()
            .any(|known| known.eq_ignore_ascii_case(bare))
        {
            return err(format!("<{bare}> is not in this lab"));
        }
        let known = KINDS
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(bare));
        let Some((known, kind)) = known else {
            return err(unknown(&directive.name));
        };
        match at.section {
            Some(outer) if *kind != Some(Kind::Files) => {
                return err(format!("<{known} not allowed in <{outer}> context"));
            }
            Some(outer) if !outer.starts_with("Directory") => {
                return err(format!("<{known}> cannot occur within <{outer}> section"));
            }
            _ => {}
        }
        if at.host && kind.is_none() {
            return err("<VirtualHost> cannot occur within <VirtualHost> section".to_owned());
        }
        if name.ends_with('>') || directive.text == ">" {
            return err(format!("<{known}> directive requires additional arguments"));
        }
        let Some(text) = directive.text.strip_suffix('>') else {
            return err(format!("<{known}> directive missing closing '>'"));
        };
        let Some(kind) = *kind else {
            return Ok(None);
        };
        let which = which(known, kind, text).map_err(|why| fail(directive, &why))?;
        let mut settings = Settings::default();
        let inner = At {
            section: Some(known),
            path: (kind == Kind::Location).then_some(&which),
            ..at
        };
        for directive in &directive.inside {
            self.inside(directive, inner, &mut settings)?;
        }
        Ok(Some(Section {
            kind,
            which,
            settings,
        }))
    }

    fn inside(
        &mut self,
        directive: &Directive,
        at: At<'_>,
        settings: &mut Settings,
    ) -> Result<(), String> {
        let Some(name) = directive.name.strip_prefix('<') else {
            return self
                .one(directive, at, settings)
                .map_err(|why| fail(directive, &why));
        };
        if let Some(group) = access::group(directive)? {
            return access::beside(settings, group).map_err(|why| fail(directive, &why));
        }
        if let Some(section) = self.section(directive, name, at)? {
            settings.files.push(section);
        }
        Ok(())
    }

    /// The rule of a directive that may stand here, with as many arguments.
    fn rule(&self, directive: &Directive, at: At<'_>, count: usize) -> Said<&'static Rule> {
        let rule = rules::of(&directive.name)
            .filter(|rule| rule.module == "mpm" || self.tree.has(rule.module))
            .ok_or_else(|| unknown(&directive.name))?;
        let name = rule.name;
        let in_path = at.path.is_some() && name == "Alias";
        match (rule.place, at.section) {
            (Place::Inside, None) => return Err(format!("{name} not allowed here")),
            (Place::Host, Some(_)) if in_path => {
                return Err(format!("{name} within <Location> is not in this lab"));
            }
            (Place::Global | Place::Host, Some(_)) if name == "Alias" => {
                return Err("Alias cannot occur within directory context".to_owned());
            }
            (Place::Global | Place::Host, Some(section)) => {
                return Err(format!("{name} not allowed in <{section}> context"));
            }
            (Place::Global, None) if at.host => {
                return Err(format!("{name} cannot occur within <VirtualHost> section"));
            }
            _ => {}
        }
        if count < rule.args.0 || count > rule.args.1 {
            return Err(format!("{name} {}", rule.help));
        }
        Ok(rule)
    }

    fn one(&mut self, directive: &Directive, at: At<'_>, settings: &mut Settings) -> Said<()> {
        if let Some(quiet) = quiet::of(&directive.name)
            && (quiet.module == "mpm" || self.tree.has(quiet.module))
        {
            // Those that would change nothing for anybody are taken in silence.
            let off = words(&directive.text)
                .iter()
                .all(|word| word.eq_ignore_ascii_case("off"));
            if quiet.because.is_none() && !off {
                let place = format!("line {} of {}", directive.line, directive.file);
                let seen = self.missing.entry(quiet.name).or_insert((place, 0));
                seen.1 += 1;
            }
            return Ok(());
        }
        let args = words(&directive.text);
        let rule = self.rule(directive, at, args.len())?;
        if rule.name == "Error" {
            return Err(args[0].clone());
        }
        if settings::of_part(self.tree, rule.name, &args, at, settings)? {
            return Ok(());
        }
        self.of_host(rule.name, &args, at)
    }

    fn finish(mut self) -> Result<Config, String> {
        for (at, target, format) in std::mem::take(&mut self.logs) {
            let format = self.formats.get(&format).cloned().unwrap_or(format);
            self.config.hosts[at].logs.push((target, format));
        }
        let main = self.config.hosts[0].logs.clone();
        for host in &mut self.config.hosts[1..] {
            if host.logs.is_empty() {
                host.logs.clone_from(&main);
            }
        }
        for (name, (place, count)) in self.missing {
            let more = if count > 1 {
                format!(" and {} more", count - 1)
            } else {
                String::new()
            };
            let words = format!("{name} on {place}{more}: not in this lab, it changes nothing");
            self.config.warnings.push(words);
        }
        Ok(self.config)
    }
}

/// Which folders, files or paths the words of a section mean.
fn which(known: &str, kind: Kind, text: &str) -> Said<Which> {
    let args = words(text);
    match args.as_slice() {
        [tilde, text] if tilde == "~" => Ok(Which::Pattern(values::pattern(text)?)),
        [text] if known.ends_with("Match") => Ok(Which::Pattern(values::pattern(text)?)),
        [text] if text.contains(['*', '?']) => Ok(Which::Glob(text.clone())),
        [text] if text.contains('[') && kind != Kind::Files => {
            Err(format!("sets of letters in <{known}> are not in this lab"))
        }
        [text] => Ok(Which::Plain(text.clone())),
        _ => Err(format!("Multiple <{known}> arguments not (yet) supported.")),
    }
}

/// What an alias or a redirect is about.
fn matcher(path: &str) -> Matcher {
    Matcher::Path(path.to_owned())
}
