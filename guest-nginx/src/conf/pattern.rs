//! Regular expressions of a configuration, with the variables that their named groups set.
//! The engine knows no look-around and no back-references; a pattern that needs them is refused.

use crate::vars::Names;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: regex_lite::Regex,
    /// Groups with names, and the variables they set.
    named: Vec<(usize, usize)>,
}

/// What an expression found: the groups, the whole first.
pub type Groups = Vec<Option<(usize, usize)>>;

impl Pattern {
    /// Compiles; the error is in nginx's words.
    pub fn new(text: &str, ignore_case: bool, names: &mut Names) -> Result<Self, String> {
        let regex = regex_lite::RegexBuilder::new(text)
            .case_insensitive(ignore_case)
            .dot_matches_new_line(false)
            .build()
            .map_err(|error| complaint(text, &error.to_string()))?;
        let groups = regex.capture_names().enumerate();
        let named = groups
            .filter_map(|(at, name)| Some((at, names.define(name?)?)))
            .collect();
        Ok(Self { regex, named })
    }

    /// Whether it fits somewhere.
    pub fn fits(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Where it fits first.
    pub fn groups(&self, text: &str) -> Option<Groups> {
        let found = self.regex.captures(text)?;
        let place = |at| found.get(at).map(|group| (group.start(), group.end()));
        Some((0..found.len()).map(place).collect())
    }

    /// The variables that its named groups set, with the number of the group.
    pub fn named(&self) -> &[(usize, usize)] {
        &self.named
    }
}

fn complaint(text: &str, why: &str) -> String {
    let (mut depth, mut class, mut escaped) = (0_i32, false, false);
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class => {
                depth -= 1;
                if depth < 0 {
                    return failed(text, "unmatched closing parenthesis", &text[at..]);
                }
            }
            _ => {}
        }
    }
    if escaped {
        return failed(text, "\\ at end of pattern", "");
    }
    if class {
        return failed(text, "missing terminating ] for character class", "");
    }
    if depth > 0 {
        return failed(text, "missing closing parenthesis", "");
    }
    if text.starts_with(['*', '+', '?']) {
        return failed(text, "quantifier does not follow a repeatable item", text);
    }
    format!("pcre2_compile() failed: {why} in \"{text}\"")
}

fn failed(text: &str, why: &str, rest: &str) -> String {
    if rest.is_empty() {
        format!("pcre2_compile() failed: {why} in \"{text}\"")
    } else {
        format!("pcre2_compile() failed: {why} in \"{text}\" at \"{rest}\"")
    }
}
