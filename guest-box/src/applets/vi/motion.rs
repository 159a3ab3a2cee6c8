//! Where a motion leads. Never changes the text.

use super::buffer::{Buffer, Place};

/// What an operator does with a motion's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Up to, without, the place.
    Exclusive,
    /// With the place.
    Inclusive,
    /// Whole lines.
    Lines,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Blank,
    Word,
    Sign,
}

fn kind(c: char, big: bool) -> Kind {
    match c {
        c if c.is_whitespace() => Kind::Blank,
        c if big || c.is_alphanumeric() || c == '_' => Kind::Word,
        _ => Kind::Sign,
    }
}

/// What is at a place; a line's end is a blank.
fn at(buffer: &Buffer, place: Place, big: bool) -> Kind {
    buffer.lines[place.line]
        .get(place.column)
        .map_or(Kind::Blank, |c| kind(*c, big))
}

fn next(buffer: &Buffer, place: Place) -> Option<Place> {
    let Place { line, column } = place;
    if column + 1 < buffer.lines[line].len() {
        return Some(Place {
            line,
            column: column + 1,
        });
    }
    (line + 1 < buffer.lines.len()).then_some(Place {
        line: line + 1,
        column: 0,
    })
}

fn previous(buffer: &Buffer, place: Place) -> Option<Place> {
    let Place { line, column } = place;
    if column > 0 {
        return Some(Place {
            line,
            column: column - 1,
        });
    }
    let line = line.checked_sub(1)?;
    Some(Place {
        line,
        column: buffer.lines[line].len().saturating_sub(1),
    })
}

/// `w` and `W`.
pub(super) fn word(buffer: &Buffer, from: Place, big: bool) -> Place {
    let mut place = from;
    let start = at(buffer, place, big);
    loop {
        let Some(after) = next(buffer, place) else {
            return Place {
                line: place.line,
                column: buffer.lines[place.line].len(),
            };
        };
        let crossed = after.line != place.line;
        let before = at(buffer, place, big);
        place = after;
        let here = at(buffer, place, big);
        if here == Kind::Blank {
            if crossed && buffer.lines[place.line].is_empty() {
                return place;
            }
            continue;
        }
        if here != start || before == Kind::Blank || crossed {
            return place;
        }
    }
}

/// `b` and `B`.
pub(super) fn back(buffer: &Buffer, from: Place, big: bool) -> Place {
    let mut place = from;
    loop {
        let Some(before) = previous(buffer, place) else {
            return place;
        };
        place = before;
        let here = at(buffer, place, big);
        if here == Kind::Blank {
            if buffer.lines[place.line].is_empty() {
                return place;
            }
            continue;
        }
        while place.column > 0
            && at(
                buffer,
                Place {
                    column: place.column - 1,
                    ..place
                },
                big,
            ) == here
        {
            place.column -= 1;
        }
        return place;
    }
}

/// `e` and `E`.
pub(super) fn end(buffer: &Buffer, from: Place, big: bool) -> Place {
    let mut place = from;
    loop {
        let Some(after) = next(buffer, place) else {
            return place;
        };
        place = after;
        let here = at(buffer, place, big);
        if here == Kind::Blank {
            continue;
        }
        while place.column + 1 < buffer.lines[place.line].len()
            && at(
                buffer,
                Place {
                    column: place.column + 1,
                    ..place
                },
                big,
            ) == here
        {
            place.column += 1;
        }
        return place;
    }
}

/// The end of the word that this is in, and of so many more: what `cw` changes.
pub(super) fn word_end(buffer: &Buffer, from: Place, big: bool, times: usize) -> Place {
    let mut place = from;
    let here = at(buffer, place, big);
    while place.column + 1 < buffer.lines[place.line].len() {
        let after = Place {
            column: place.column + 1,
            ..place
        };
        if at(buffer, after, big) != here {
            break;
        }
        place = after;
    }
    (1..times).fold(place, |place, _| end(buffer, place, big))
}

/// `%`: the bracket that belongs to the next one on the line.
pub(super) fn pair(buffer: &Buffer, from: Place) -> Option<Place> {
    const PAIRS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('{', '}')];
    let line = &buffer.lines[from.line];
    let found = (from.column..line.len()).find(|column| {
        PAIRS
            .iter()
            .any(|(open, close)| line[*column] == *open || line[*column] == *close)
    })?;
    let mut place = Place {
        line: from.line,
        column: found,
    };
    let here = line[found];
    let (open, close) = *PAIRS
        .iter()
        .find(|(open, close)| here == *open || here == *close)?;
    let forward = here == open;
    let mut depth = 0_i64;
    loop {
        match buffer.lines[place.line].get(place.column) {
            Some(c) if *c == open => depth += 1,
            Some(c) if *c == close => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(place);
        }
        place = if forward {
            next(buffer, place)?
        } else {
            previous(buffer, place)?
        };
    }
}

/// `f F t T`: the character on this line.
pub(super) fn find(
    buffer: &Buffer,
    from: Place,
    (letter, wanted): (char, char),
    count: usize,
) -> Option<Place> {
    let line = &buffer.lines[from.line];
    let mut column = from.column;
    for _ in 0..count {
        column = if letter.is_lowercase() {
            (column + 1..line.len()).find(|at| line[*at] == wanted)?
        } else {
            (0..column).rev().find(|at| line[*at] == wanted)?
        };
    }
    let column = match letter {
        't' => column - 1,
        'T' => column + 1,
        _ => column,
    };
    Some(Place {
        line: from.line,
        column,
    })
}

/// The next paragraph's end, or the one before.
pub(super) fn paragraph(buffer: &Buffer, from: Place, forward: bool) -> Place {
    let empty = |line: &usize| buffer.lines[*line].is_empty();
    let line = if forward {
        (from.line + 1..buffer.lines.len())
            .find(empty)
            .unwrap_or(buffer.lines.len() - 1)
    } else {
        (0..from.line).rev().find(empty).unwrap_or(0)
    };
    let column = if forward && !buffer.lines[line].is_empty() {
        buffer.lines[line].len()
    } else {
        0
    };
    Place { line, column }
}
