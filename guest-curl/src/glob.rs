//! `{a,b}` and `[1-3]` in URLs, unfolded before anything is asked.

use crate::failure::Failure;

/// How many URLs one pattern may stand for.
const MAX_URLS: usize = 10_000;

/// One of the URLs that a pattern stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfolded {
    pub url: String,
    /// What was chosen in each place, for `#1` in names of files.
    pub choices: Vec<String>,
}

impl Unfolded {
    /// A URL in which nothing was chosen.
    pub fn plain(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            choices: Vec::new(),
        }
    }

    /// The name with `#1` and its like replaced.
    pub fn name(&self, pattern: &str) -> String {
        let mut out = String::new();
        let mut rest = pattern;
        while let Some(at) = rest.find('#') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let end = after
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(after.len());
            let number = after[..end].parse::<usize>().ok();
            match number.and_then(|number| self.choices.get(number.checked_sub(1)?)) {
                Some(choice) => {
                    out.push_str(choice);
                    rest = &after[end..];
                }
                None => {
                    out.push('#');
                    rest = after;
                }
            }
        }
        out + rest
    }
}

/// All URLs a pattern stands for, in curl's order: the last choice changes fastest.
///
/// # Errors
/// When braces or brackets make no sense, with a picture of where.
pub fn unfold(pattern: &str) -> Result<Vec<Unfolded>, Failure> {
    let mut urls = vec![Unfolded::default()];
    let mut at = 0;
    while at < pattern.len() {
        let rest = &pattern[at..];
        let (choices, used) = match rest.as_bytes()[0] {
            b'{' => braces(pattern, at)?,
            b'[' if is_address(rest) => {
                let end = rest.find(']').unwrap_or(0) + 1;
                at += end;
                append(&mut urls, &rest[..end]);
                continue;
            }
            b'[' => brackets(pattern, at)?,
            b'}' | b']' => return Err(wrong(pattern, at, "unmatched close brace/bracket")),
            _ => {
                at += literal(&mut urls, rest);
                continue;
            }
        };
        if urls.len().saturating_mul(choices.len()) > MAX_URLS {
            return Err(Failure::new(3, "range overflow"));
        }
        urls = urls
            .iter()
            .flat_map(|head| choices.iter().map(move |choice| head.with(choice)))
            .collect();
        at += used;
    }
    Ok(urls)
}

impl Unfolded {
    fn with(&self, choice: &str) -> Self {
        let mut choices = self.choices.clone();
        choices.push(choice.to_owned());
        Self {
            url: format!("{}{choice}", self.url),
            choices,
        }
    }
}

fn append(urls: &mut [Unfolded], text: &str) {
    for unfolded in urls {
        unfolded.url.push_str(text);
    }
}

/// Text up to the next choice; a backslash takes the meaning of what follows. How much it was.
fn literal(urls: &mut [Unfolded], rest: &str) -> usize {
    if let Some(after) = rest.strip_prefix('\\') {
        if after.starts_with(['{', '[', '}', ']']) {
            append(urls, &after[..1]);
            return 2;
        }
        append(urls, "\\");
        return 1;
    }
    let end = rest.find(['{', '[', '}', ']', '\\']).unwrap_or(rest.len());
    append(urls, &rest[..end]);
    end
}

/// An IPv6 address is no range.
fn is_address(rest: &str) -> bool {
    let Some(end) = rest.find(']') else {
        return false;
    };
    let inner = &rest[1..end];
    inner.is_empty()
        || (inner.contains(':')
            && inner
                .chars()
                .all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.' | '%')))
}

fn wrong(pattern: &str, at: usize, what: &str) -> Failure {
    let position = at + 1;
    Failure::new(
        3,
        format!("{what} in URL position {position}:\n{pattern}\n{:at$}^", ""),
    )
}

fn braces(pattern: &str, at: usize) -> Result<(Vec<String>, usize), Failure> {
    let rest = &pattern[at..];
    let mut choices = vec![String::new()];
    let mut chars = rest.char_indices().skip(1);
    while let Some((offset, char)) = chars.next() {
        let last = choices.len() - 1;
        match char {
            '}' if rest[..offset].ends_with('{') => {
                return Err(wrong(pattern, at + offset, "empty string within braces"));
            }
            '}' => return Ok((choices, offset + 1)),
            '{' | '[' => return Err(wrong(pattern, at + offset, "nested brace")),
            ']' => {
                return Err(wrong(pattern, at + offset, "unexpected close bracket"));
            }
            ',' => choices.push(String::new()),
            '\\' => match chars.next() {
                Some((_, next)) => choices[last].push(next),
                None => break,
            },
            other => choices[last].push(other),
        }
    }
    Err(wrong(pattern, at, "unmatched brace"))
}

fn brackets(pattern: &str, at: usize) -> Result<(Vec<String>, usize), Failure> {
    let bad = || wrong(pattern, at + 1, "bad range");
    let rest = &pattern[at..];
    if !rest[1..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(wrong(pattern, at + 1, "bad range specification"));
    }
    let end = rest.find(']').ok_or_else(bad)?;
    let (range, step) = match rest[1..end].split_once(':') {
        Some((range, step)) => (
            range,
            step.parse::<usize>()
                .ok()
                .filter(|step| *step > 0)
                .ok_or_else(bad)?,
        ),
        None => (&rest[1..end], 1),
    };
    let (first, last) = range.split_once('-').ok_or_else(bad)?;
    if let (Ok(from), Ok(to)) = (first.parse::<u64>(), last.parse::<u64>()) {
        let width = if first.starts_with('0') {
            first.len()
        } else {
            0
        };
        if from > to
            || step as u64 > (to - from).max(1)
            || (to - from) / step as u64 >= MAX_URLS as u64
        {
            return Err(wrong(pattern, at + end + 1, "bad range"));
        }
        return Ok((
            (from..=to)
                .step_by(step)
                .map(|number| format!("{number:0width$}"))
                .collect(),
            end + 1,
        ));
    }
    match (first.as_bytes(), last.as_bytes()) {
        ([from], [to]) if from.is_ascii_alphabetic() && to.is_ascii_alphabetic() && from <= to => {
            Ok((
                (*from..=*to)
                    .step_by(step)
                    .map(|letter| char::from(letter).to_string())
                    .collect(),
                end + 1,
            ))
        }
        _ => Err(bad()),
    }
}
