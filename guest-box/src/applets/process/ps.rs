//! `ps` as busybox has it, and the columns people ask procps for.

use std::io::Write;
use std::time::Duration;

use guest_kit::machine::{Stats, stats};
use guest_kit::process::{ProcessInfo, processes};

use super::kill::name;
use crate::applets::{Applet, Io, Outcome, Stop, flag, value};

pub(super) const PS: Applet = Applet {
    name: "ps",
    operands: "",
    help: "Show list of processes",
    flags: &[
        value('o', "", "COL1,COL2=HEADER", "Select columns for display"),
        flag('T', "", "Show threads, of which each process has one"),
        flag('w', "", "Wide output, as it always is"),
        flag('e', "", "All processes, as always"),
        flag('A', "", "All processes, as always"),
        flag('f', "", "Full format"),
        value('p', "", "PID", "Only this process"),
    ],
    run,
};

/// A column: what it is asked for by, its heading, its width (0 is as it comes).
struct Column {
    name: &'static str,
    heading: &'static str,
    width: usize,
    right: bool,
    text: fn(&ProcessInfo, &Stats) -> String,
}

const fn column(
    name: &'static str,
    heading: &'static str,
    width: usize,
    right: bool,
    text: fn(&ProcessInfo, &Stats) -> String,
) -> Column {
    Column {
        name,
        heading,
        width,
        right,
        text,
    }
}

/// In the order in which busybox lists them.
const COLUMNS: &[Column] = &[
    column("user", "USER", 8, false, |_, _| "root".into()),
    column("group", "GROUP", 8, false, |_, _| "root".into()),
    column("comm", "COMMAND", 16, false, |info, _| name(info).into()),
    column("args", "COMMAND", 0, false, |info, _| info.argv.join(" ")),
    column("pid", "PID", 5, true, |info, _| info.pid.to_string()),
    column("ppid", "PPID", 5, true, |info, _| info.ppid.to_string()),
    column("nice", "NI", 5, true, |_, _| "0".into()),
    column("rgroup", "RGROUP", 8, false, |_, _| "root".into()),
    column("ruser", "RUSER", 8, false, |_, _| "root".into()),
    column("etime", "ELAPSED", 7, true, |info, stats| {
        elapsed(stats.uptime.saturating_sub(info.started))
    }),
    column("time", "TIME", 5, true, |info, _| minutes(info.cpu)),
    column("tty", "TT", 6, false, |info, _| {
        if info.terminal { "pts/0" } else { "?" }.into()
    }),
    column("vsz", "VSZ", 4, true, |info, _| kilobytes(info.memory)),
    column("stat", "STAT", 4, false, |info, _| state(info).into()),
    column("rss", "RSS", 4, true, |info, _| kilobytes(info.memory)),
    column("pcpu", "%CPU", 4, true, |info, stats| {
        let lived = stats.uptime.saturating_sub(info.started).as_secs_f64();
        format!("{:.1}", share(info.cpu.as_secs_f64(), lived))
    }),
    column("pmem", "%MEM", 4, true, |info, stats| {
        format!(
            "{:.1}",
            share(info.memory as f64, stats.memory_limit as f64)
        )
    }),
    column("start", "START", 5, true, |_, _| "-".into()),
];

/// Names that mean the same column.
const ALIASES: [(&str, &str); 7] = [
    ("cmd", "args"),
    ("command", "args"),
    ("ucmd", "comm"),
    ("ni", "nice"),
    ("s", "stat"),
    ("%cpu", "pcpu"),
    ("%mem", "pmem"),
];

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        part / whole * 100.0
    } else {
        0.0
    }
}

/// In Linux' letters: running or runnable, or asleep.
pub(super) fn state(info: &ProcessInfo) -> &'static str {
    if info.runnable { "R" } else { "S" }
}

fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let rest = format!("{:02}:{:02}", seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) => rest,
        (0, hours) => format!("{hours:02}:{rest}"),
        (days, hours) => format!("{days}-{hours:02}:{rest}"),
    }
}

/// Kilobytes in at most four letters, as busybox writes sizes.
pub(super) fn kilobytes(bytes: u64) -> String {
    let kilobytes = bytes / 1024;
    match kilobytes {
        0..=9_999 => kilobytes.to_string(),
        10_000..=10_239_999 => format!("{}m", kilobytes / 1024),
        _ => format!("{}g", kilobytes / (1024 * 1024)),
    }
}

fn run(io: &mut Io<'_>) -> Outcome {
    // BSD's words have no dash: all of them mean everything, `u` with the long form.
    let mut long = false;
    let mut args = std::mem::take(&mut io.args);
    args.retain(|arg| {
        let is_bsd = !arg.is_empty() && arg.chars().all(|letter| "auxwf".contains(letter));
        long |= is_bsd && arg.contains('u');
        !is_bsd || arg.starts_with('-')
    });
    io.args = args;
    let parsed = io.parse()?;
    let chosen: Vec<String> = match (parsed.value('o'), long, parsed.has('f')) {
        (Some(_), ..) => parsed
            .values('o')
            .flat_map(|list| list.split(','))
            .map(str::to_owned)
            .collect(),
        (None, true, _) => words("user pid pcpu pmem vsz rss tty stat start time args"),
        (None, _, true) => words("user pid ppid tty time args"),
        (None, ..) => words("pid user args"),
    };
    let columns = chosen
        .iter()
        .map(|word| find(io, word))
        .collect::<Result<Vec<_>, Stop>>()?;
    let wanted: Option<u32> = match parsed.value('p') {
        Some(text) => Some(
            text.parse()
                .map_err(|_| io.fail(&format!("invalid number '{text}'")))?,
        ),
        None => None,
    };
    let stats = stats();
    let heading: Vec<String> = columns
        .iter()
        .map(|(column, heading)| format!("{heading:<width$}", width = width(column, heading)))
        .collect();
    writeln!(io.out, "{}", heading.join(" ").trim_end())?;
    let mut shown = 0;
    for info in processes() {
        if wanted.is_some_and(|wanted| wanted != info.pid) {
            continue;
        }
        shown += 1;
        let line: Vec<String> = columns
            .iter()
            .map(|(column, heading)| {
                let text = (column.text)(&info, &stats);
                let width = column
                    .width
                    .max(if column.width == 0 { 0 } else { heading.len() });
                if column.right {
                    format!("{text:>width$}")
                } else if column.name == "args" {
                    text
                } else {
                    format!("{text:<width$.width$}")
                }
            })
            .collect();
        writeln!(io.out, "{}", line.join(" ").trim_end())?;
    }
    Ok(i32::from(wanted.is_some() && shown == 0))
}

/// A heading of one's own is as wide as it is.
fn width(column: &Column, heading: &str) -> usize {
    if heading == column.heading {
        column.width
    } else {
        heading.len()
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// A column by name, and the heading it is given (`pid=NUMBER`).
fn find(io: &mut Io<'_>, word: &str) -> Result<(&'static Column, String), Stop> {
    let (name, heading) = match word.split_once('=') {
        Some((name, heading)) => (name, Some(heading)),
        None => (word, None),
    };
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    let name = alias.map_or(name, |(_, name)| *name);
    let Some(column) = COLUMNS.iter().find(|column| column.name == name) else {
        let known: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
        return Err(io.fail(&format!(
            "bad -o argument '{word}', supported arguments: {}",
            known.join(",")
        )));
    };
    Ok((column, heading.unwrap_or(column.heading).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_read_as_there() {
        assert_eq!(elapsed(Duration::from_secs(59)), "00:59");
        assert_eq!(elapsed(Duration::from_secs(90_061)), "1-01:01:01");
        assert_eq!(kilobytes(2_000_000), "1953");
        assert_eq!(kilobytes(20_000_000), "19m");
    }
}
