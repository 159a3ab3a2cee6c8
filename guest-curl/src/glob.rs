//! `{a,b}` and `[1-3]` in URLs, unfolded before anything is asked.

use crate::failure::Failure;

/// How many URLs one pattern may stand for.
const MAX_URLS: usize = 10_000;

/// All URLs a pattern stands for, in curl's order: the last choice changes fastest.
pub fn unfold(pattern: &str) -> Result<Vec<String>, Failure> {
    let mut urls = vec![String::new()];
    let mut at = 0;
    while at < pattern.len() {
        let rest = &pattern[at..];
        let (choices, used) = match rest.as_bytes()[0] {
            b'{' => braces(pattern, at)?,
            // An IPv6 address is no range.
            b'[' if rest
                .find(']')
                .is_some_and(|end| rest[..end].contains(':') && !rest[..end].contains('-')) =>
            {
                let end = rest.find(']').unwrap_or(0) + 1;
                (vec![rest[..end].to_owned()], end)
            }
            b'[' => brackets(pattern, at)?,
            _ => {
                let end = rest.find(['{', '[']).unwrap_or(rest.len());
                (vec![rest[..end].to_owned()], end)
            }
        };
        if urls.len().saturating_mul(choices.len()) > MAX_URLS {
            return Err(Failure::new(3, "range overflow"));
        }
        urls = urls
            .iter()
            .flat_map(|head| choices.iter().map(move |choice| format!("{head}{choice}")))
            .collect();
        at += used;
    }
    Ok(urls)
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
    let end = rest
        .find('}')
        .ok_or_else(|| wrong(pattern, at, "unmatched brace"))?;
    Ok((
        rest[1..end].split(',').map(str::to_owned).collect(),
        end + 1,
    ))
}

fn brackets(pattern: &str, at: usize) -> Result<(Vec<String>, usize), Failure> {
    let bad = || wrong(pattern, at + 1, "bad range");
    let rest = &pattern[at..];
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
        if from > to || (to - from) / step as u64 >= MAX_URLS as u64 {
            return Err(bad());
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
