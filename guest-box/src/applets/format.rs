//! One conversion of C's printf: flags, width, precision. Shared by `printf`, `awk`, `seq`, `od`,
//! `stat`. It never reads an argument by itself.

/// Flags, width and precision of one conversion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spec {
    pub(crate) left: bool,
    pub(crate) zero: bool,
    pub(crate) plus: bool,
    pub(crate) space: bool,
    pub(crate) alternative: bool,
    pub(crate) width: usize,
    pub(crate) precision: Option<usize>,
}

/// The widest field there is, so that a format cannot ask for all memory.
const WIDEST: usize = 4096;

impl Spec {
    /// Reads what follows a `%` up to the conversion's letter; `take` gives a number for each `*`.
    pub(crate) fn read<'a>(
        &mut self,
        mut rest: &'a str,
        take: &mut impl FnMut() -> i64,
    ) -> &'a str {
        loop {
            match rest.bytes().next() {
                Some(b'-') => self.left = true,
                Some(b'0') => self.zero = true,
                Some(b'+') => self.plus = true,
                Some(b' ') => self.space = true,
                Some(b'#') => self.alternative = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        let mut number = |rest: &'a str| -> (i64, &'a str) {
            if let Some(rest) = rest.strip_prefix('*') {
                return (take(), rest);
            }
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            (rest[..end].parse().unwrap_or(0), &rest[end..])
        };
        let (width, after) = number(rest);
        rest = after;
        self.left |= width < 0;
        self.width = usize::try_from(width.unsigned_abs())
            .unwrap_or(WIDEST)
            .min(WIDEST);
        if let Some(after) = rest.strip_prefix('.') {
            let (precision, after) = number(after);
            self.precision = usize::try_from(precision).ok().map(|wide| wide.min(WIDEST));
            rest = after;
        }
        rest.trim_start_matches(['l', 'h', 'q', 'z', 'j', 't', 'L'])
    }

    /// Blanks or zeros around a text.
    pub(crate) fn pad(&self, text: &str, number: bool) -> String {
        let gap = self.width.saturating_sub(text.chars().count());
        if self.left {
            format!("{text}{}", " ".repeat(gap))
        } else if number && self.zero {
            let mut sign = usize::from(text.starts_with(['-', '+', ' ']));
            if text[sign..].starts_with("0x") || text[sign..].starts_with("0X") {
                sign += 2;
            }
            format!("{}{}{}", &text[..sign], "0".repeat(gap), &text[sign..])
        } else {
            format!("{}{text}", " ".repeat(gap))
        }
    }

    /// `%s`.
    pub(crate) fn text(&self, text: &str) -> String {
        match self.precision {
            Some(limit) => self.pad(&text.chars().take(limit).collect::<String>(), false),
            None => self.pad(text, false),
        }
    }

    /// `%d %i %u %o %x %X`.
    pub(crate) fn integer(&self, kind: char, number: i64) -> String {
        let mut digits = match kind {
            'o' => format!("{number:o}"),
            'x' => format!("{number:x}"),
            'X' => format!("{number:X}"),
            'u' => number.cast_unsigned().to_string(),
            _ => number.unsigned_abs().to_string(),
        };
        if let Some(precision) = self.precision {
            digits = match (precision, number) {
                (0, 0) => String::new(),
                _ => format!("{digits:0>precision$}"),
            };
        }
        if self.alternative && number != 0 {
            let prefix = match kind {
                'x' => "0x",
                'X' => "0X",
                'o' => "0",
                _ => "",
            };
            digits.insert_str(0, prefix);
        }
        let signed = matches!(kind, 'd' | 'i');
        let sign = self.sign(signed && number < 0, signed);
        self.pad(&format!("{sign}{digits}"), self.precision.is_none())
    }

    fn sign(&self, negative: bool, signed: bool) -> &'static str {
        match (negative, signed && self.plus, signed && self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        }
    }

    /// `%e %f %g` and their capitals.
    pub(crate) fn float(&self, kind: char, number: f64) -> String {
        let sign = self.sign(number.is_sign_negative() && !number.is_nan(), true);
        let value = number.abs();
        let text = if value.is_nan() {
            "nan".into()
        } else if value.is_infinite() {
            "inf".into()
        } else {
            match kind.to_ascii_lowercase() {
                'e' => exponential(value, self.precision.unwrap_or(6)),
                'g' => self.general(value),
                _ => fixed(value, self.precision.unwrap_or(6), self.alternative),
            }
        };
        let text = if kind.is_ascii_uppercase() {
            text.to_uppercase()
        } else {
            text
        };
        self.pad(&format!("{sign}{text}"), number.is_finite())
    }

    fn general(&self, value: f64) -> String {
        let digits = self.precision.unwrap_or(6).max(1);
        let scientific = exponential(value, digits - 1);
        let exponent: i64 = scientific
            .split_once('e')
            .and_then(|(_, exponent)| exponent.parse().ok())
            .unwrap_or(0);
        let most = i64::try_from(digits).unwrap_or(i64::MAX);
        let text = if exponent < -4 || exponent >= most {
            scientific
        } else {
            fixed(
                value,
                usize::try_from(most - 1 - exponent).unwrap_or(0),
                false,
            )
        };
        if self.alternative {
            return text;
        }
        let (mantissa, exponent) = match text.find('e') {
            Some(at) => text.split_at(at),
            None => (text.as_str(), ""),
        };
        let mantissa = if mantissa.contains('.') {
            mantissa.trim_end_matches('0').trim_end_matches('.')
        } else {
            mantissa
        };
        format!("{mantissa}{exponent}")
    }
}

fn fixed(value: f64, precision: usize, point: bool) -> String {
    let point = if point && precision == 0 { "." } else { "" };
    format!("{value:.precision$}{point}")
}

fn exponential(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::Spec;

    fn float(format: &str, number: f64) -> String {
        let mut spec = Spec::default();
        let kind = spec.read(format, &mut || 0).chars().next().unwrap_or('f');
        spec.float(kind, number)
    }

    #[test]
    fn numbers_look_as_in_c() {
        assert_eq!(float("g", 100_000.0), "100000");
        assert_eq!(float("g", 1e6), "1e+06");
        assert_eq!(float("g", 0.0001), "0.0001");
        assert_eq!(float("g", 0.000_012), "1.2e-05");
        assert_eq!(float("6.2f", 3.456), "  3.46");
        assert_eq!(float("-8.1e|", 12345.0), "1.2e+04 ");
        assert_eq!(float("08.2f", -1.5), "-0001.50");
        assert_eq!(float("G", 1e-10), "1E-10");
        assert_eq!(float("05f", f64::INFINITY), "  inf");
    }
}
