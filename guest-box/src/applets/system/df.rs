//! `df`: what may be written to each mounted file system and what was.

use std::io::Write;

use guest_kit::machine::{Mount, mounts};

use crate::applets::{Applet, Io, Outcome, flag};

pub(super) const DF: Applet = Applet {
    name: "df",
    operands: "[FILESYSTEM]...",
    help: "Print filesystem usage statistics",
    flags: &[
        flag('P', "", "POSIX output format"),
        flag('k', "", "1024-byte blocks (default)"),
        flag('m', "", "1M-byte blocks"),
        flag('h', "", "Human readable (e.g. 1K 243M 2G)"),
        flag('T', "", "Print filesystem type"),
        flag('a', "", "Show all filesystems, as always"),
    ],
    run,
};

/// A size with one place in the largest unit that leaves something before the point.
pub(super) fn human(bytes: u64) -> String {
    let (mut tenths, mut unit) = (bytes.saturating_mul(10), "");
    for next in ["K", "M", "G", "T"] {
        if tenths < 10_240 {
            break;
        }
        (tenths, unit) = (tenths.div_ceil(1024), next);
    }
    if tenths == 0 {
        return "0".to_owned();
    }
    format!("{}.{}{unit}", tenths / 10, tenths % 10)
}

/// What kind of file system it is.
pub(super) fn kind(mount: &Mount) -> &'static str {
    if mount.path == "/" {
        "overlay"
    } else {
        "tmpfs"
    }
}

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let all = mounts();
    let mut chosen: Vec<&Mount> = all.iter().collect();
    let mut status = 0;
    if !parsed.rest.is_empty() {
        chosen.clear();
        for path in &parsed.rest {
            match std::fs::canonicalize(path) {
                Ok(found) => {
                    let holds = |mount: &&Mount| found.starts_with(&mount.path);
                    chosen.extend(
                        all.iter()
                            .filter(holds)
                            .max_by_key(|mount| mount.path.len()),
                    );
                }
                Err(_) => {
                    io.complain(&format!("{path}: can't find mount point"));
                    status = 1;
                }
            }
        }
    }
    let (unit, title) = match (parsed.last_of("kmh"), parsed.has('P')) {
        (Some('h'), _) => (1, "     Size"),
        (Some('m'), _) => (1 << 20, "1M-blocks"),
        (_, true) => (1 << 10, "1024-blocks"),
        _ => (1 << 10, "1K-blocks"),
    };
    let size = |bytes: u64| match parsed.last_of("kmh") {
        Some('h') => human(bytes),
        _ => (bytes / unit).to_string(),
    };
    let kind_title = if parsed.has('T') { "Type       " } else { "" };
    let capacity = if parsed.has('P') { "Capacity" } else { "Use%" };
    writeln!(
        io.out,
        "Filesystem           {kind_title}{title:<15}  Used Available {capacity} Mounted on"
    )?;
    for mount in chosen {
        let kind = kind(mount);
        write!(io.out, "{kind:<20} ")?;
        if parsed.has('T') {
            write!(io.out, "{kind:<10} ")?;
        }
        let left = mount.size.saturating_sub(mount.used);
        let percent = (mount.used * 100).div_ceil(mount.size.max(1));
        writeln!(
            io.out,
            "{:>9} {:>9} {:>9} {percent:>3}% {}",
            size(mount.size),
            size(mount.used),
            size(left),
            mount.path
        )?;
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_rounded_up_to_one_place() {
        assert_eq!(super::human(0), "0");
        assert_eq!(super::human(256 << 20), "256.0M");
        assert_eq!(super::human(1_536), "1.5K");
    }
}
