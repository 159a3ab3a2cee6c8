//! The functions that `awk` brings. Places in text are characters, counted from 1.

use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::lex::Builtin;
use super::record::fields;
use super::run::{Fatal, Machine, number, place_of};
use super::tree::{Expr, FS};
use super::value::Value;
use crate::applets::Io;
use crate::applets::date::Moment;
use crate::applets::format::Spec;

impl Machine<'_> {
    pub(super) fn builtin(
        &mut self,
        io: &mut Io<'_>,
        builtin: Builtin,
        args: &[Expr],
    ) -> Result<Value, Fatal> {
        let mut number_at = |machine: &mut Self, index: usize| -> Result<f64, Fatal> {
            args.get(index)
                .map_or(Ok(0.0), |arg| Ok(machine.value(io, arg)?.number()))
        };
        let bits = |value: f64| -> u64 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a conversion of floats saturates"
            )]
            (value as u64)
        };
        #[expect(clippy::cast_precision_loss, reason = "as awk's numbers are")]
        let of_bits = |value: u64| Value::Number(value as f64);
        Ok(match builtin {
            Builtin::Atan2 => {
                let (y, x) = (number_at(self, 0)?, number_at(self, 1)?);
                Value::Number(y.atan2(x))
            }
            Builtin::Cos => Value::Number(number_at(self, 0)?.cos()),
            Builtin::Sin => Value::Number(number_at(self, 0)?.sin()),
            Builtin::Exp => Value::Number(number_at(self, 0)?.exp()),
            Builtin::Log => Value::Number(number_at(self, 0)?.ln()),
            Builtin::Sqrt => Value::Number(number_at(self, 0)?.sqrt()),
            Builtin::Int => Value::Number(number_at(self, 0)?.trunc()),
            Builtin::And => of_bits(bits(number_at(self, 0)?) & bits(number_at(self, 1)?)),
            Builtin::Or => of_bits(bits(number_at(self, 0)?) | bits(number_at(self, 1)?)),
            Builtin::Xor => of_bits(bits(number_at(self, 0)?) ^ bits(number_at(self, 1)?)),
            Builtin::Compl => of_bits(!bits(number_at(self, 0)?)),
            Builtin::Lshift => {
                let (value, by) = (bits(number_at(self, 0)?), bits(number_at(self, 1)?));
                of_bits(
                    value
                        .checked_shl(u32::try_from(by).unwrap_or(64))
                        .unwrap_or(0),
                )
            }
            Builtin::Rshift => {
                let (value, by) = (bits(number_at(self, 0)?), bits(number_at(self, 1)?));
                of_bits(
                    value
                        .checked_shr(u32::try_from(by).unwrap_or(64))
                        .unwrap_or(0),
                )
            }
            Builtin::Rand => Value::Number(self.random()),
            Builtin::Srand => {
                let new = if args.is_empty() {
                    now()
                } else {
                    bits(number_at(self, 0)?)
                };
                let old = self.seed.0;
                self.seed = (new, new);
                of_bits(old)
            }
            Builtin::Systime => of_bits(now()),
            Builtin::Strftime => {
                let format = match args.first() {
                    Some(format) => self.string(io, format)?,
                    None => "%c".into(),
                };
                let seconds = match args.get(1) {
                    Some(seconds) => self.value(io, seconds)?.number(),
                    None => of_bits(now()).number(),
                };
                #[expect(clippy::cast_possible_truncation, reason = "seconds are whole")]
                Value::text(Moment::at(seconds as i64).format(&format))
            }
            _ => return self.text_builtin(io, builtin, args),
        })
    }

    fn text_builtin(
        &mut self,
        io: &mut Io<'_>,
        builtin: Builtin,
        args: &[Expr],
    ) -> Result<Value, Fatal> {
        Ok(match builtin {
            Builtin::Length => match args.first() {
                None => number(self.record().chars().count()),
                Some(Expr::Variable(place)) if self.is_array(*place) => {
                    number(self.array(*place).borrow().len())
                }
                Some(arg) => number(self.string(io, arg)?.chars().count()),
            },
            Builtin::Index => {
                let (text, part) = (self.string(io, &args[0])?, self.string(io, &args[1])?);
                number(
                    text.find(&*part)
                        .map_or(0, |at| text[..at].chars().count() + 1),
                )
            }
            Builtin::Match => {
                let text = self.string(io, &args[0])?;
                let pattern = self.pattern(io, &args[1])?;
                match pattern.find_at(text.as_bytes(), 0) {
                    None => {
                        self.found(0.0, -1.0);
                        Value::Number(0.0)
                    }
                    Some((start, end)) => {
                        let count = |range: std::ops::Range<usize>| {
                            number(text.get(range).map_or(0, |part| part.chars().count())).number()
                        };
                        let place = count(0..start) + 1.0;
                        self.found(place, count(start..end));
                        Value::Number(place)
                    }
                }
            }
            Builtin::Substr => self.substr(io, args)?,
            Builtin::Tolower => Value::text(self.string(io, &args[0])?.to_lowercase()),
            Builtin::Toupper => Value::text(self.string(io, &args[0])?.to_uppercase()),
            Builtin::Sprintf => {
                let mut values = Vec::new();
                for arg in args {
                    values.push(self.value(io, arg)?);
                }
                Value::text(self.formatted(&values))
            }
            Builtin::Split => self.split(io, args)?,
            Builtin::Sub => self.substitute(io, args, false)?,
            Builtin::Gsub => self.substitute(io, args, true)?,
            Builtin::Gensub => self.gensub(io, args)?,
            Builtin::Close => {
                let name = self.string(io, &args[0])?;
                Value::Number(f64::from(self.streams.close(&name)))
            }
            Builtin::Fflush => {
                self.streams.flush(io);
                Value::Number(0.0)
            }
            Builtin::System => {
                let command = self.string(io, &args[0])?;
                Value::Number(f64::from(self.streams.system(io, &command)))
            }
            Builtin::Mktime => {
                let text = self.string(io, &args[0])?;
                let parts: Vec<i64> = text
                    .split_whitespace()
                    .filter_map(|part| part.parse().ok())
                    .collect();
                match parts.as_slice() {
                    [year, month, day, hour, minute, second, ..] => {
                        let days = crate::applets::date::days(*year, *month, *day);
                        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
                        #[expect(clippy::cast_precision_loss, reason = "seconds are few")]
                        Value::Number(seconds as f64)
                    }
                    _ => Value::Number(-1.0),
                }
            }
            _ => Value::Nothing,
        })
    }

    fn substr(&mut self, io: &mut Io<'_>, args: &[Expr]) -> Result<Value, Fatal> {
        let text = self.string(io, &args[0])?;
        // As busybox: a start before the text is its beginning, and takes nothing off the length.
        let start = self.value(io, &args[1])?.number() - 1.0;
        let start = place_of(start.max(0.0)).unwrap_or(0);
        let length = match args.get(2) {
            Some(length) => {
                let length = self.value(io, length)?.number();
                place_of(length.max(0.0)).unwrap_or(0)
            }
            None => usize::MAX,
        };
        if text.is_ascii() {
            let start = start.min(text.len());
            let end = start.saturating_add(length).min(text.len());
            return Ok(Value::text(&text[start..end]));
        }
        Ok(Value::text(
            text.chars().skip(start).take(length).collect::<String>(),
        ))
    }

    fn split(&mut self, io: &mut Io<'_>, args: &[Expr]) -> Result<Value, Fatal> {
        let text = self.string(io, &args[0])?;
        let Expr::Variable(place) = &args[1] else {
            return Err("Not an array".into());
        };
        let by = match args.get(2) {
            None => {
                let separator = self.special(FS);
                self.field_separator(&separator)?
            }
            Some(Expr::Regex(regex)) => super::record::Fields::Regex(regex.clone()),
            Some(separator) => {
                let separator = self.string(io, separator)?;
                self.field_separator(&separator)?
            }
        };
        let parts = fields(&text, &by, false);
        let count = parts.len();
        Self::fill(&self.array(*place), parts);
        Ok(number(count))
    }

    fn substitute(&mut self, io: &mut Io<'_>, args: &[Expr], all: bool) -> Result<Value, Fatal> {
        let pattern = self.pattern(io, &args[0])?;
        let with = self.string(io, &args[1])?;
        let record = Expr::Field(Box::new(Expr::Number(0.0)));
        let target = args.get(2).unwrap_or(&record);
        let text = self.string(io, target)?;
        let (result, count) = replace(&pattern, &text, &with, if all { 0 } else { 1 }, false);
        if count > 0 {
            self.store(io, target, Value::text(result))?;
        }
        Ok(number(count))
    }

    fn gensub(&mut self, io: &mut Io<'_>, args: &[Expr]) -> Result<Value, Fatal> {
        let pattern = self.pattern(io, &args[0])?;
        let with = self.string(io, &args[1])?;
        let which = self.value(io, &args[2])?;
        let which = match self.text(&which).starts_with(['g', 'G']) {
            true => 0,
            false => place_of(which.number()).unwrap_or(1).max(1),
        };
        let text = match args.get(3) {
            Some(text) => self.string(io, text)?,
            None => self.record(),
        };
        Ok(Value::text(replace(&pattern, &text, &with, which, true).0))
    }

    /// A number from 0 up to 1, the same ones for the same seed.
    fn random(&mut self) -> f64 {
        // SplitMix64: small, and good enough for a tool that shuffles lines.
        self.seed.1 = self.seed.1.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.seed.1;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let fraction = (mixed >> 11) as f64 / (1_u64 << 53) as f64;
        fraction
    }

    /// The values behind the first one, formatted by it.
    pub(super) fn formatted(&mut self, values: &[Value]) -> String {
        let format = values
            .first()
            .map_or_else(|| "".into(), |format| self.text(format));
        let mut args = values.iter().skip(1);
        let mut out = String::new();
        let mut rest = &*format;
        while let Some(percent) = rest.find('%') {
            out.push_str(&rest[..percent]);
            rest = &rest[percent + 1..];
            let mut spec = Spec::default();
            let after = spec.read(rest, &mut || {
                let value = args.next().map_or(0.0, Value::number);
                #[expect(clippy::cast_possible_truncation, reason = "a conversion saturates")]
                (value as i64)
            });
            let Some(kind) = after.chars().next() else {
                out.push('%');
                out.push_str(rest);
                return out;
            };
            rest = &after[kind.len_utf8()..];
            if kind == '%' {
                out.push('%');
                continue;
            }
            let value = args.next().cloned().unwrap_or_default();
            match kind {
                'd' | 'i' | 'o' | 'x' | 'X' | 'u' => {
                    #[expect(clippy::cast_possible_truncation, reason = "a conversion saturates")]
                    let whole = value.number() as i64;
                    out.push_str(&spec.integer(kind, whole));
                }
                'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                    out.push_str(&spec.float(kind, value.number()));
                }
                'c' => out.push_str(&spec.text(&character(&value))),
                's' => out.push_str(&spec.text(&self.text(&value))),
                other => out.extend(['%', other]),
            }
        }
        out.push_str(rest);
        out
    }
}

/// What `%c` prints: a number's character, or a text's first.
fn character(value: &Value) -> String {
    let code = match value {
        Value::Number(number) | Value::Numeric(_, number) => place_of(*number).unwrap_or(0),
        Value::Text(text) => return text.chars().take(1).collect(),
        Value::Nothing => 0,
    };
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .map_or_else(String::new, String::from)
}

/// Replaces one match, or all when `which` is 0; how many were replaced.
fn replace(
    pattern: &crate::applets::regex::Regex,
    text: &Rc<str>,
    with: &str,
    which: usize,
    groups: bool,
) -> (String, usize) {
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = Vec::new();
    let (mut at, mut copied, mut seen, mut count) = (0, 0, 0, 0);
    let mut last = None;
    while at <= bytes.len() {
        let Some(found) = pattern.captures_at(bytes, at) else {
            break;
        };
        let Some((start, end)) = found[0] else { break };
        if start == end && last == Some(end) {
            at = end + 1;
            continue;
        }
        seen += 1;
        last = Some(end);
        if which == 0 || seen == which {
            count += 1;
            out.extend_from_slice(&bytes[copied..start]);
            let mut chars = with.chars();
            let mut plain = [0; 4];
            while let Some(c) = chars.next() {
                let group = match c {
                    '&' => Some(0),
                    '\\' => match chars.next() {
                        Some('&') => {
                            out.push(b'&');
                            None
                        }
                        Some(digit @ '0'..='9') if groups => {
                            digit.to_digit(10).map(|digit| digit as usize)
                        }
                        Some('\\') | None => {
                            out.push(b'\\');
                            None
                        }
                        Some(other) => {
                            out.push(b'\\');
                            out.extend_from_slice(other.encode_utf8(&mut plain).as_bytes());
                            None
                        }
                    },
                    c => {
                        out.extend_from_slice(c.encode_utf8(&mut plain).as_bytes());
                        None
                    }
                };
                if let Some((start, end)) = group.and_then(|group| *found.get(group)?) {
                    out.extend_from_slice(&bytes[start..end]);
                }
            }
            copied = end;
            if which != 0 {
                break;
            }
        }
        at = if start == end { end + 1 } else { end };
    }
    out.extend_from_slice(&bytes[copied..]);
    (String::from_utf8_lossy(&out).into_owned(), count)
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
