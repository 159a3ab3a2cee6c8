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

/// One directive with its arguments and, when it opens a block, what stands inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Its first word.
    pub name: String,
    /// The words after it.
    pub args: Vec<String>,
    /// The directives between its braces.
    pub block: Option<Vec<Self>>,
    /// Where it ends, as nginx reports it.
    pub place: Place,
}

/// Why a configuration is refused, in nginx's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfError(pub String);

impl ConfError {
    /// A message followed by the place, as nginx prints it.
    pub fn at(place: &Place, message: impl fmt::Display) -> Self {
        Self(format!("{message} in {}:{}", place.file, place.line))
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

/// Reads a whole configuration, following its includes.
pub fn load(source: &dyn Source, path: &str) -> Result<Vec<Directive>, ConfError> {
    let mut loader = Loader {
        source,
        prefix: folder_of(path),
        count: 0,
    };
    let text = loader.open(path).map_err(ConfError)?;
    loader.parse(&text, path, 0)
}

fn folder_of(path: &str) -> String {
    path.rfind('/')
        .map_or(String::new(), |cut| path[..=cut].to_owned())
}

struct Loader<'a> {
    source: &'a dyn Source,
    prefix: String,
    count: usize,
}

impl Loader<'_> {
    fn open(&self, path: &str) -> Result<String, String> {
        self.source
            .read(path)
            .map_err(|(number, words)| format!("open() \"{path}\" failed ({number}: {words})"))
    }

    fn parse(&mut self, text: &str, file: &str, depth: usize) -> Result<Vec<Directive>, ConfError> {
        let mut lexer = Lexer {
            rest: text,
            file: Rc::from(file),
            line: 1,
        };
        let directives = self.block(&mut lexer, depth, false)?;
        Ok(directives)
    }

    /// Directives up to the closing brace of the block, or to the end of the file outside of one.
    fn block(
        &mut self,
        lexer: &mut Lexer<'_>,
        depth: usize,
        inside: bool,
    ) -> Result<Vec<Directive>, ConfError> {
        let mut directives = Vec::new();
        loop {
            let mut words = Vec::new();
            let end = loop {
                match lexer.token()? {
                    Token::Word(word) => words.push(word),
                    end => break end,
                }
            };
            let place = lexer.place();
            match end {
                Token::End if !words.is_empty() => {
                    return Err(ConfError::at(
                        &place,
                        "unexpected end of file, expecting \";\" or \"}\"",
                    ));
                }
                Token::End if inside => {
                    return Err(ConfError::at(
                        &place,
                        "unexpected end of file, expecting \"}\"",
                    ));
                }
                Token::End => return Ok(directives),
                Token::Close if !words.is_empty() || !inside => {
                    return Err(ConfError::at(&place, "unexpected \"}\""));
                }
                Token::Close => return Ok(directives),
                Token::Semicolon if words.is_empty() => {
                    return Err(ConfError::at(&place, "unexpected \";\""));
                }
                Token::Open if words.is_empty() => {
                    return Err(ConfError::at(&place, "unexpected \"{\""));
                }
                Token::Semicolon | Token::Open => {
                    self.bound(&place, depth)?;
                    let opens = end == Token::Open;
                    let name = words.remove(0);
                    if name == "include" && !opens {
                        directives.extend(self.include(&place, &words, depth)?);
                        continue;
                    }
                    let block = if opens {
                        Some(self.block(lexer, depth + 1, true)?)
                    } else {
                        None
                    };
                    directives.push(Directive {
                        name,
                        args: words,
                        block,
                        place,
                    });
                }
                Token::Word(_) => unreachable!("words are collected above"),
            }
        }
    }

    fn bound(&mut self, place: &Place, depth: usize) -> Result<(), ConfError> {
        self.count += 1;
        if self.count > MAX_DIRECTIVES || depth > MAX_DEPTH {
            return Err(ConfError::at(
                place,
                "the configuration is larger than this lab allows",
            ));
        }
        Ok(())
    }

    fn include(
        &mut self,
        place: &Place,
        args: &[String],
        depth: usize,
    ) -> Result<Vec<Directive>, ConfError> {
        let [pattern] = args else {
            return Err(ConfError::at(
                place,
                "invalid number of arguments in \"include\" directive",
            ));
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
        let mut directives = Vec::new();
        for path in paths {
            let text = self
                .open(&path)
                .map_err(|message| ConfError::at(place, message))?;
            directives.extend(self.parse(&text, &path, depth + 1)?);
        }
        Ok(directives)
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
}

impl Lexer<'_> {
    fn place(&self) -> Place {
        Place {
            file: Rc::clone(&self.file),
            line: self.line,
        }
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
                None => {
                    let message = "unexpected end of file, expecting \";\" or \"}\"";
                    return Err(ConfError::at(&self.place(), message));
                }
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
