//! The text of an nginx.conf as a tree of directives: words, quotes, comments, blocks, includes.
//! It knows no directive by meaning except `include`, and never opens a file itself: the caller
//! gives it a `Source`.

use std::fmt;
use std::rc::Rc;

/// How deep blocks and includes may nest.
const MAX_DEPTH: usize = 16;
/// How many directives one configuration may have, includes and all.
const MAX_DIRECTIVES: usize = 10_000;

/// Where a directive stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path of the file.
    pub file: Rc<str>,
    /// The line, counted from one.
    pub line: usize,
}

/// What stands between braces, or in a whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The directives in reading order.
    pub items: Vec<Directive>,
    /// Why reading stopped, when it did not reach the end. Whoever judges the directives comes to
    /// this last, so that mistakes are reported in reading order, as nginx does.
    pub broken: Option<ConfError>,
}

/// One directive with its arguments and, when it opens a block, what stands inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Its first word.
    pub name: String,
    /// The words after it.
    pub args: Vec<String>,
    /// The directives between its braces.
    pub block: Option<Block>,
    /// Where it ends, as nginx reports it.
    pub place: Place,
}

/// Why a configuration is refused, in nginx's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfError(pub String);

impl ConfError {
    /// A message followed by the place, as nginx prints it.
    pub fn at(place: &Place, message: impl fmt::Display) -> Self {
        if &*place.file == "command line" {
            return Self(format!("{message} in command line"));
        }
        Self(format!("{message} in {}:{}", place.file, place.line))
    }
}

impl ConfError {
    /// Whether it is found only after every line was understood, when nginx has already called the
    /// syntax fine.
    pub fn is_late(&self) -> bool {
        self.0.starts_with("no \"events\" section")
            || self.0.starts_with("zero size shared memory zone")
    }
}

impl fmt::Display for ConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfError {}

/// Where the text of configuration files comes from.
pub trait Source {
    /// The text of a file, or the number and words of the system's error.
    fn read(&self, path: &str) -> Result<String, (u32, &'static str)>;
    /// The files a pattern with `*` or `?` stands for, sorted.
    fn glob(&self, pattern: &str) -> Vec<String>;
}

/// A configuration's files: their paths and texts in reading order, for `-T`.
pub type Texts = Vec<(String, String)>;

/// Reads a whole configuration, following its includes below `prefix`.
pub fn load(source: &dyn Source, path: &str, prefix: &str) -> (Block, Texts) {
    let mut loader = Loader {
        source,
        prefix: prefix.to_owned(),
        count: 0,
        texts: Vec::new(),
    };
    let block = match loader.open(path) {
        Ok(text) => loader.parse(&text, path, 0, false),
        Err(message) => Block {
            items: Vec::new(),
            broken: Some(ConfError(message)),
        },
    };
    (block, loader.texts)
}

/// Reads directives of a command line, where blocks and ends of files are no matter.
pub fn load_text(text: &str) -> Block {
    let mut loader = Loader {
        source: &Nothing,
        prefix: String::new(),
        count: 0,
        texts: Vec::new(),
    };
    loader.parse(text, "command line", 0, true)
}

struct Nothing;

impl Source for Nothing {
    fn read(&self, _: &str) -> Result<String, (u32, &'static str)> {
        Err((2, "No such file or directory"))
    }

    fn glob(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

/// The folder of a path, its last slash included.
pub fn folder_of(path: &str) -> &str {
    path.rfind('/').map_or("", |cut| &path[..=cut])
}

struct Loader<'a> {
    source: &'a dyn Source,
    prefix: String,
    count: usize,
    texts: Texts,
}

impl Loader<'_> {
    fn open(&mut self, path: &str) -> Result<String, String> {
        let read = self.source.read(path);
        let text = read
            .map_err(|(number, words)| format!("open() \"{path}\" failed ({number}: {words})"))?;
        if !self.texts.iter().any(|(other, _)| other == path) {
            self.texts.push((path.to_owned(), text.clone()));
        }
        Ok(text)
    }

    fn parse(&mut self, text: &str, file: &str, depth: usize, command_line: bool) -> Block {
        let mut lexer = Lexer {
            rest: text,
            file: Rc::from(file),
            line: 1,
            command_line,
        };
        self.block(&mut lexer, depth, false)
    }

    /// Directives up to the closing brace of the block, or to the end of the file outside of one.
    fn block(&mut self, lexer: &mut Lexer<'_>, depth: usize, inside: bool) -> Block {
        let mut block = Block::default();
        loop {
            match self.directive(lexer, depth, inside) {
                Ok(Some(items)) => block.items.extend(items),
                Ok(None) => return block,
                Err((items, error)) => {
                    block.items.extend(items);
                    block.broken = Some(error);
                    return block;
                }
            }
            let last = block.items.last().and_then(|last| last.block.as_ref());
            if last.is_some_and(|inner| inner.broken.is_some()) {
                // The mistake inside is met before anything that might follow.
                return block;
            }
        }
    }

    /// The next directive, or all those of an included file; nothing at the end.
    fn directive(
        &mut self,
        lexer: &mut Lexer<'_>,
        depth: usize,
        inside: bool,
    ) -> Result<Option<Vec<Directive>>, (Vec<Directive>, ConfError)> {
        let alone = |error| (Vec::new(), error);
        let mut words = Vec::new();
        let end = loop {
            match lexer.token().map_err(alone)? {
                Token::Word(word) => words.push(word),
                end => break end,
            }
        };
        let place = lexer.place();
        let wrong = |message: &str| Err(alone(ConfError::at(&place, message)));
        match end {
            Token::End if !words.is_empty() => Err(alone(lexer.unexpected_end())),
            Token::End if inside => wrong("unexpected end of file, expecting \"}\""),
            Token::Close if !words.is_empty() || !inside => wrong("unexpected \"}\""),
            Token::End | Token::Close => Ok(None),
            Token::Semicolon if words.is_empty() => wrong("unexpected \";\""),
            Token::Open if words.is_empty() => wrong("unexpected \"{\""),
            Token::Open if lexer.command_line => {
                wrong("block directives are not supported in -g option")
            }
            Token::Semicolon | Token::Open => {
                self.bound(&place, depth).map_err(alone)?;
                let opens = end == Token::Open;
                let name = words.remove(0);
                if name == "include" && !opens {
                    return self.include(&place, &words, depth).map(Some);
                }
                let block = opens.then(|| self.block(lexer, depth + 1, true));
                Ok(Some(vec![Directive {
                    name,
                    args: words,
                    block,
                    place,
                }]))
            }
            Token::Word(_) => unreachable!("words are collected above"),
        }
    }

    fn bound(&mut self, place: &Place, depth: usize) -> Result<(), ConfError> {
        self.count += 1;
        if self.count > MAX_DIRECTIVES || depth > MAX_DEPTH {
            let message = "the configuration is larger than this lab allows";
            return Err(ConfError::at(place, message));
        }
        Ok(())
    }

    fn include(
        &mut self,
        place: &Place,
        args: &[String],
        depth: usize,
    ) -> Result<Vec<Directive>, (Vec<Directive>, ConfError)> {
        let [pattern] = args else {
            let message = "invalid number of arguments in \"include\" directive";
            return Err((Vec::new(), ConfError::at(place, message)));
        };
        let pattern = if pattern.starts_with('/') {
            pattern.clone()
        } else {
            format!("{}{pattern}", self.prefix)
        };
        let paths = if pattern.contains(['*', '?', '[']) {
            self.source.glob(&pattern)
        } else {
            vec![pattern]
        };
        let mut items = Vec::new();
        for path in paths {
            let text = match self.open(&path) {
                Ok(text) => text,
                Err(message) => return Err((items, ConfError::at(place, message))),
            };
            let block = self.parse(&text, &path, depth + 1, false);
            items.extend(block.items);
            if let Some(error) = block.broken {
                return Err((items, error));
            }
        }
        Ok(items)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Semicolon,
    Open,
    Close,
    End,
}

struct Lexer<'a> {
    rest: &'a str,
    file: Rc<str>,
    line: usize,
    /// Whether this is the text of `-g`.
    command_line: bool,
}

impl Lexer<'_> {
    fn place(&self) -> Place {
        Place {
            file: Rc::clone(&self.file),
            line: self.line,
        }
    }

    fn unexpected_end(&self) -> ConfError {
        if self.command_line {
            // Here nginx names no line.
            return ConfError(
                "unexpected end of parameter, expecting \";\" in command line".to_owned(),
            );
        }
        let message = "unexpected end of file, expecting \";\" or \"}\"";
        ConfError::at(&self.place(), message)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let char = chars.next()?;
        self.rest = chars.as_str();
        self.line += usize::from(char == '\n');
        Some(char)
    }

    fn token(&mut self) -> Result<Token, ConfError> {
        self.skip_blanks();
        match self.peek() {
            None => Ok(Token::End),
            Some(';') => Ok(self.take(Token::Semicolon)),
            Some('{') => Ok(self.take(Token::Open)),
            Some('}') => Ok(self.take(Token::Close)),
            Some(quote @ ('"' | '\'')) => self.quoted(quote).map(Token::Word),
            Some(_) => Ok(Token::Word(self.bare())),
        }
    }

    fn take(&mut self, token: Token) -> Token {
        self.bump();
        token
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some('#') => {
                    while self.peek().is_some_and(|char| char != '\n') {
                        self.bump();
                    }
                }
                Some(char) if char.is_ascii_whitespace() => {
                    self.bump();
                }
                _ => return,
            }
        }
    }

    /// A word in quotes; what follows the closing quote must separate it from the next.
    fn quoted(&mut self, quote: char) -> Result<String, ConfError> {
        self.bump();
        let mut word = String::new();
        loop {
            match self.bump() {
                None => return Err(self.unexpected_end()),
                Some('\\') => self.escape(&mut word),
                Some(char) if char == quote => break,
                Some(char) => word.push(char),
            }
        }
        match self.peek() {
            Some(char) if !char.is_ascii_whitespace() && !matches!(char, ';' | '{' | ')') => Err(
                ConfError::at(&self.place(), format_args!("unexpected \"{char}\"")),
            ),
            _ => Ok(word),
        }
    }

    /// A word up to a blank, `;` or `{`; the brace of `${name}` belongs to the word.
    fn bare(&mut self) -> String {
        let mut word = String::new();
        while let Some(char) = self.peek() {
            let variable = char == '{' && word.ends_with('$');
            if char.is_ascii_whitespace() || char == ';' || (char == '{' && !variable) {
                break;
            }
            self.bump();
            if char == '\\' {
                self.escape(&mut word)
            } else {
                word.push(char)
            }
        }
        word
    }

    /// nginx drops the backslash before quotes and itself, turns \t \r \n into what they say,
    /// and keeps it before anything else, so that regular expressions need no doubling.
    fn escape(&mut self, word: &mut String) {
        match self.bump() {
            Some(char @ ('"' | '\'' | '\\')) => word.push(char),
            Some('t') => word.push('\t'),
            Some('r') => word.push('\r'),
            Some('n') => word.push('\n'),
            Some(char) => {
                word.push('\\');
                word.push(char);
            }
            None => word.push('\\'),
        }
    }
}

/// Whether a file name fits a pattern of `*`, `?` and plain characters.
pub fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at_pattern, mut at_name, mut star) = (0, 0, None);
    while at_name < name.len() {
        match pattern.get(at_pattern) {
            Some('*') => {
                star = Some((at_pattern, at_name));
                at_pattern += 1;
            }
            Some(char) if *char == '?' || *char == name[at_name] => {
                at_pattern += 1;
                at_name += 1;
            }
            _ => match star {
                Some((back, taken)) => {
                    star = Some((back, taken + 1));
                    at_pattern = back + 1;
                    at_name = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at_pattern..].iter().all(|char| *char == '*')
}

/// The files that a path with stars in any of its parts stands for, sorted, as a shell finds them.
pub fn glob(pattern: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for part in pattern.split('/').skip(1) {
        let mut next = Vec::new();
        for folder in found {
            if !part.contains(['*', '?', '[']) {
                next.push(format!("{folder}/{part}"));
                continue;
            }
            let entries = std::fs::read_dir(format!("{folder}/"));
            let entries = entries.into_iter().flatten().filter_map(Result::ok);
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
            // A star does not stand for a leading dot.
            let fitting = names.filter(|name| {
                fits(part, name) && (!name.starts_with('.') || part.starts_with('.'))
            });
            next.extend(fitting.map(|name| format!("{folder}/{name}")));
        }
        found = next;
    }
    found.retain(|path| std::fs::exists(path).unwrap_or(false));
    found.sort();
    found
}
