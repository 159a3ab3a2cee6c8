//! `uptime`. All machines of a lab share one virtual processor.

use std::io::Write;
use std::time::SystemTime;

use guest_kit::machine::stats;

use crate::applets::date::Moment;
use crate::applets::{Applet, Io, Outcome};

pub(super) const UPTIME: Applet = Applet {
    name: "uptime",
    operands: "",
    help: "Display the time since the last boot",
    flags: &[],
    run: uptime,
};

fn uptime(io: &mut Io<'_>) -> Outcome {
    io.parse()?;
    let stats = stats();
    let now = Moment::of(SystemTime::now()).format("%H:%M:%S");
    let minutes = stats.uptime.as_secs() / 60;
    let (days, hours, left) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    write!(io.out, " {now} up ")?;
    if days > 0 {
        write!(io.out, "{days} day{}, ", if days == 1 { "" } else { "s" })?;
    }
    if hours > 0 {
        write!(io.out, "{hours:2}:{left:02}")?;
    } else {
        write!(io.out, "{left} min")?;
    }
    let [one, five, fifteen] = stats
        .load
        .map(|load| format!("{}.{:02}", load / 100, load % 100));
    writeln!(
        io.out,
        ",  0 users,  load average: {one}, {five}, {fifteen}"
    )?;
    Ok(0)
}
