//! Resource quantities (`100m`, `128Mi`): just enough to add them up and print them again.

/// A quantity in thousandths, with the family of its suffix.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Quantity {
    /// The value times 1000.
    pub(crate) milli: i128,
    binary: bool,
}

/// Reads a quantity; anything unreadable counts as zero.
pub(crate) fn parse(text: &str) -> Quantity {
    let split = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c == '+'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let value: f64 = number.parse().unwrap_or(0.0);
    let (factor, binary) = match suffix {
        "n" => (1e-9, false),
        "u" => (1e-6, false),
        "m" => (1e-3, false),
        "k" => (1e3, false),
        "M" => (1e6, false),
        "G" => (1e9, false),
        "T" => (1e12, false),
        "P" => (1e15, false),
        "Ki" => (1024.0, true),
        "Mi" => (f64::from(1 << 20), true),
        "Gi" => (f64::from(1 << 30), true),
        "Ti" => ((1_u64 << 40) as f64, true),
        "Pi" => ((1_u64 << 50) as f64, true),
        _ => (1.0, false),
    };
    Quantity {
        milli: (value * factor * 1000.0).round() as i128,
        binary,
    }
}

/// Complains of what is no quantity, in apimachinery's words.
pub(crate) fn check(text: &str) -> Result<(), &'static str> {
    let split = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c == '+'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let exponent = suffix
        .strip_prefix(['e', 'E'])
        .is_some_and(|digits| digits.parse::<i32>().is_ok());
    let suffixes = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ];
    if number.parse::<f64>().is_ok() && (exponent || suffixes.contains(&suffix)) {
        return Ok(());
    }
    Err(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    )
}

impl Quantity {
    /// The sum; the family is the left one's unless that is zero.
    pub(crate) fn plus(self, other: Self) -> Self {
        let binary = if self.milli == 0 {
            other.binary
        } else {
            self.binary
        };
        Self {
            milli: self.milli + other.milli,
            binary,
        }
    }

    /// Whole percent of `total`, rounded down.
    pub(crate) fn percent_of(self, total: Self) -> i128 {
        if total.milli == 0 {
            0
        } else {
            self.milli * 100 / total.milli
        }
    }

    /// The canonical form: the largest suffix that loses nothing.
    pub(crate) fn show(self) -> String {
        if self.milli % 1000 != 0 {
            return format!("{}m", self.milli);
        }
        let value = self.milli / 1000;
        let (step, names): (i128, [&str; 5]) = if self.binary {
            (1024, ["Ki", "Mi", "Gi", "Ti", "Pi"])
        } else {
            (1000, ["k", "M", "G", "T", "P"])
        };
        let (mut rest, mut suffix) = (value, "");
        for name in names {
            if rest == 0 || rest % step != 0 {
                break;
            }
            rest /= step;
            suffix = name;
        }
        format!("{rest}{suffix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_their_family() {
        assert_eq!(parse("100m").plus(parse("1")).show(), "1100m");
        assert_eq!(parse("64Mi").plus(parse("64Mi")).show(), "128Mi");
        assert_eq!(parse("0").plus(parse("64Mi")).show(), "64Mi");
        assert_eq!(parse("200m").percent_of(parse("2")), 10);
    }
}
