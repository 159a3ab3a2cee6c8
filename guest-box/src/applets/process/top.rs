//! `top` as busybox has it: the processes by processor time, once, repeatedly, or live.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::time::Duration;

use guest_kit::machine::stats;
use guest_kit::process::{Input, ProcessInfo, processes};
use guest_kit::{signals, terminal};

use super::ps::{kilobytes, state};
use crate::applets::{Applet, Io, Outcome, Stop, flag, value};

pub(super) const TOP: Applet = Applet {
    name: "top",
    operands: "",
    help: "Show a view of process activity in real time.\n\
           Keys:\n\tN/M/P/T: sort by pid/mem/cpu/time\n\tR: reverse sort\n\tQ,^C: exit",
    flags: &[
        flag('b', "", "Batch mode"),
        value('n', "", "N", "Exit after N iterations"),
        value('d', "", "SEC", "Delay between updates"),
    ],
    run,
};

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Pid,
    Memory,
    Cpu,
    Time,
}

struct View {
    order: Order,
    reverse: bool,
    /// Processor time at the last look, and when that was.
    before: BTreeMap<u32, Duration>,
    looked: Duration,
}

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let number = |io: &mut Io<'_>, letter| match parsed.value(letter) {
        Some(text) => text
            .parse::<f64>()
            .ok()
            .filter(|number| *number >= 0.0)
            .map(Some)
            .ok_or_else(|| io.fail(&format!("invalid number '{text}'"))),
        None => Ok(None),
    };
    let rounds = number(io, 'n')?.map(|rounds| rounds as u64);
    let delay = Duration::from_secs_f64(number(io, 'd')?.unwrap_or(5.0).min(86_400.0));
    let batch = parsed.has('b') || terminal::size().is_none();
    let mut view = View {
        order: Order::Cpu,
        reverse: false,
        before: BTreeMap::new(),
        looked: Duration::ZERO,
    };
    // The first figures are of a moment, not of everybody's whole life.
    view.look();
    guest_kit::sleep(Duration::from_millis(200));
    if !batch {
        signals::handle(&[2]);
        terminal::set_raw(true);
    }
    let outcome = view.rounds(io, rounds, delay, batch);
    if !batch {
        terminal::set_raw(false);
        writeln!(io.out)?;
    }
    outcome
}

/// A process and how much of the processor it had since the last look, in percent.
type Row = (ProcessInfo, u64);

impl View {
    fn rounds(
        &mut self,
        io: &mut Io<'_>,
        rounds: Option<u64>,
        delay: Duration,
        batch: bool,
    ) -> Outcome {
        let mut keys = Input::stdin();
        let mut round = 0;
        loop {
            let rows = self.look();
            let size = (!batch).then(terminal::size).flatten();
            if size.is_some() {
                write!(io.out, "\x1b[H\x1b[J")?;
            }
            show(io, rows, size.map(|size| (size.columns, size.rows)))?;
            io.out.flush()?;
            round += 1;
            if rounds.is_some_and(|rounds| round >= rounds) {
                return Ok(0);
            }
            if batch {
                guest_kit::sleep(delay);
                continue;
            }
            let ready = guest_kit::poll(&[&keys, &signals::source()], Some(delay));
            if signals::next().is_some() {
                return Ok(0);
            }
            let mut key = [0; 1];
            if ready.contains(&0) && keys.read(&mut key)? == 1 && self.press(key[0]) {
                return Ok(0);
            }
        }
    }

    /// A key; true when it ends the view.
    fn press(&mut self, key: u8) -> bool {
        match key.to_ascii_lowercase() {
            b'q' | 3 => return true,
            b'n' => self.order = Order::Pid,
            b'm' => self.order = Order::Memory,
            b'p' => self.order = Order::Cpu,
            b't' => self.order = Order::Time,
            b'r' => self.reverse = !self.reverse,
            _ => {}
        }
        false
    }

    fn look(&mut self) -> Vec<Row> {
        let now = stats().uptime;
        let passed = now.saturating_sub(self.looked).as_nanos().max(1);
        self.looked = now;
        let list = processes();
        let used = |info: &ProcessInfo| {
            let before = self.before.get(&info.pid).copied();
            let used = info.cpu.saturating_sub(before.unwrap_or(info.cpu));
            u64::try_from(used.as_nanos() * 100 / passed).unwrap_or(u64::MAX)
        };
        let mut rows: Vec<Row> = list.iter().map(|info| (info.clone(), used(info))).collect();
        self.before = list.iter().map(|info| (info.pid, info.cpu)).collect();
        match self.order {
            Order::Pid => rows.sort_by_key(|(info, _)| info.pid),
            Order::Memory => rows.sort_by_key(|(info, _)| std::cmp::Reverse(info.memory)),
            Order::Cpu => rows.sort_by_key(|(_, cpu)| std::cmp::Reverse(*cpu)),
            Order::Time => rows.sort_by_key(|(info, _)| std::cmp::Reverse(info.cpu)),
        }
        if self.reverse {
            rows.reverse();
        }
        rows
    }
}

fn show(io: &mut Io<'_>, rows: Vec<Row>, size: Option<(u16, u16)>) -> Result<(), Stop> {
    let stats = stats();
    let (used, limit) = (stats.memory_used / 1024, stats.memory_limit / 1024);
    let free = limit.saturating_sub(used);
    writeln!(
        io.out,
        "Mem: {used}K used, {free}K free, 0K shrd, 0K buff, 0K cached"
    )?;
    let busy = rows.iter().map(|(_, cpu)| cpu).sum::<u64>().min(100);
    let idle = 100 - busy;
    writeln!(
        io.out,
        "CPU: {busy:3}% usr   0% sys   0% nic {idle:3}% idle   0% io   0% irq   0% sirq"
    )?;
    let [one, five, fifteen] = stats
        .load
        .map(|load| format!("{}.{:02}", load / 100, load % 100));
    let running = rows.iter().filter(|(info, _)| info.runnable).count();
    let (count, last) = (rows.len(), stats.last_pid);
    writeln!(
        io.out,
        "Load average: {one} {five} {fifteen} {running}/{count} {last}"
    )?;
    let heading = "  PID  PPID USER     STAT   VSZ %VSZ %CPU COMMAND";
    let (width, height) = match size {
        Some((columns, lines)) => {
            writeln!(io.out, "\x1b[7m{heading}\x1b[0m")?;
            (usize::from(columns), usize::from(lines).saturating_sub(5))
        }
        None => {
            writeln!(io.out, "{heading}")?;
            (usize::MAX, usize::MAX)
        }
    };
    for (info, cpu) in rows.into_iter().take(height) {
        let share = info.memory.saturating_mul(100) / stats.memory_limit.max(1);
        let line = format!(
            "{:5} {:5} {:<8} {:<4} {:>5} {share:3}% {cpu:3}% {}",
            info.pid,
            info.ppid,
            "root",
            state(&info),
            kilobytes(info.memory),
            info.argv.join(" ")
        );
        let line: String = line.chars().take(width).collect();
        writeln!(io.out, "{line}")?;
    }
    Ok(())
}
