//! `jobs`, `wait`, `kill`, `fg`, `bg`: children that run beside the shell.
//!
//! A child is never stopped, because the host knows no SIGSTOP; so `bg` has nothing to do and
//! `fg` means waiting.

use guest_kit::process::{self, Exit};
use guest_kit::signals;

use super::super::child::death;
use super::super::exec::Status;
use super::super::state::{Flow, Job, Shell};
use super::Letters;
use crate::applets;

/// One line of `jobs`, as ash lays it out.
pub(crate) fn line(job: &Job, mark: char, pid: bool) -> String {
    let mut head = format!("[{}]{mark}  ", job.number);
    if pid {
        head.push_str(&format!("{} ", job.child.pid()));
    }
    let state = match job.end() {
        None => "Running".to_owned(),
        Some(Exit::Code(0)) => "Done".to_owned(),
        Some(Exit::Code(code)) => format!("Done({code})"),
        Some(Exit::Signal(signal)) => death(signal).unwrap_or("Interrupt").to_owned(),
    };
    head.push_str(&state);
    format!("{head:<33}{}\n", job.text)
}

pub(super) fn jobs(shell: &mut Shell, args: &[String]) -> Status {
    let mut letters = Letters::new(args);
    let (mut pid, mut only_pid) = (false, false);
    while let Some((letter, _)) = letters.next(shell, "lp")? {
        pid |= letter == 'l';
        only_pid |= letter == 'p';
    }
    let mut wanted = Vec::new();
    for name in letters.rest() {
        wanted.push(shell.job(name)?);
    }
    if letters.rest().is_empty() {
        wanted = (0..shell.jobs.len()).collect();
    }
    let mut text = String::new();
    for index in wanted {
        let job = &shell.jobs[index];
        text.push_str(&if only_pid {
            format!("{}\n", job.child.pid())
        } else {
            line(job, shell.mark(index), pid)
        });
    }
    shell.jobs.retain(|job| job.end().is_none());
    shell.put(text.as_bytes())
}

impl Shell {
    /// `+` for the job started last, `-` for the one before.
    pub(crate) fn mark(&self, index: usize) -> char {
        match self.jobs.len() - index {
            1 => '+',
            2 => '-',
            _ => ' ',
        }
    }

    /// The place of a job: `%1`, `%+`, `%-`, `%name`, `%?part`, or a process id.
    fn job(&mut self, name: &str) -> Result<usize, Flow> {
        let found = match name.strip_prefix('%') {
            Some("" | "%" | "+") => self.jobs.len().checked_sub(1),
            Some("-") => self.jobs.len().checked_sub(2),
            Some(text) => match text.parse::<usize>() {
                Ok(number) => self.jobs.iter().position(|job| job.number == number),
                Err(_) => self
                    .jobs
                    .iter()
                    .position(|job| match text.strip_prefix('?') {
                        Some(part) => job.text.contains(part),
                        None => !job.text.is_empty() && job.text.starts_with(text),
                    }),
            },
            None => match name.parse::<u32>() {
                Ok(pid) => self.jobs.iter().position(|job| job.child.pid() == pid),
                Err(_) => return Err(self.fail(&format!("Illegal number: {name}"))),
            },
        };
        found.ok_or_else(|| self.fail(&format!("{name}: no such job")))
    }

    fn current_job(&mut self, args: &[String]) -> Result<usize, Flow> {
        match args.get(1) {
            Some(name) => self.job(name),
            None if self.jobs.is_empty() => Err(self.fail("No current job")),
            None => Ok(self.jobs.len() - 1),
        }
    }
}

pub(super) fn fg(shell: &mut Shell, args: &[String]) -> Status {
    let index = shell.current_job(args)?;
    if !shell.interactive {
        return Err(shell.fail("job (null) not created under job control"));
    }
    let job = shell.jobs.remove(index);
    shell.put(format!("{}\n", job.text).as_bytes())?;
    // Ctrl-C reaches programs of the terminal by itself; a job in the background is told here.
    loop {
        if let Some(exit) = job.end() {
            return shell.ended(exit);
        }
        guest_kit::poll(&[&job.child, &signals::source()], None);
        while let Some(signal) = signals::next() {
            job.child.kill(signal);
        }
    }
}

pub(super) fn bg(shell: &mut Shell, args: &[String]) -> Status {
    let index = shell.current_job(args)?;
    if !shell.interactive {
        return Err(shell.fail("job (null) not created under job control"));
    }
    let job = &shell.jobs[index];
    let text = format!("[{}] {}\n", job.number, job.text);
    shell.put(text.as_bytes())
}

pub(super) fn kill(shell: &mut Shell, args: &[String]) -> Status {
    if args.get(1).is_some_and(|arg| arg == "-l") {
        let mut out = Vec::new();
        applets::process::list_signals(&args[2..], &mut out);
        return shell.put(&out);
    }
    let (signal, targets) = match applets::process::signal_argument(&args[1..]) {
        Ok(parsed) => parsed,
        Err(message) => return bare(shell, &message),
    };
    if targets.is_empty() {
        return bare(shell, "you need to specify whom to kill");
    }
    let mut status = 0;
    for target in targets {
        let pid = if target.starts_with('%') {
            let index = shell.job(target)?;
            Some(shell.jobs[index].child.pid())
        } else {
            target.parse().ok()
        };
        let Some(pid) = pid else {
            status = bare(shell, &format!("invalid number '{target}'"))?;
            continue;
        };
        if pid == process::pid() && shell.signal_itself(signal) {
            continue;
        }
        if !process::kill(pid, signal) {
            status = bare(shell, &format!("can't kill pid {pid}: No such process"))?;
        }
    }
    Ok(status)
}

/// A message with nothing but the shell's name before it, and failure.
pub(super) fn bare(shell: &mut Shell, message: &str) -> Status {
    let text = format!("{}: {message}\n", shell.program);
    shell.write(2, text.as_bytes())?;
    Ok(1)
}

pub(super) fn wait(shell: &mut Shell, args: &[String]) -> Status {
    let mut letters = Letters::new(args);
    let mut any = false;
    while letters.next(shell, "n")?.is_some() {
        any = true;
    }
    if any {
        return wait_for_any(shell);
    }
    if letters.rest().is_empty() {
        while let Some(job) = shell.jobs.first() {
            if let Err(status) = until_end(shell, job.child.pid())? {
                return Ok(status);
            }
            shell.jobs.remove(0);
        }
        return Ok(0);
    }
    let mut status = 0;
    for name in letters.rest() {
        let known = name.parse::<u32>().is_ok_and(|pid| {
            let mut jobs = shell.jobs.iter();
            !jobs.any(|job| job.child.pid() == pid)
        });
        if known {
            status = 127;
            continue;
        }
        let index = shell.job(name)?;
        let pid = shell.jobs[index].child.pid();
        match until_end(shell, pid)? {
            Ok(exit) => {
                status = shell.ended(exit)?;
                shell.jobs.retain(|job| job.child.pid() != pid);
            }
            Err(interrupted) => return Ok(interrupted),
        }
    }
    Ok(status)
}

/// Waits for one child; the status of the signal whose trap came first instead.
fn until_end(shell: &mut Shell, pid: u32) -> Result<Result<Exit, i32>, Flow> {
    loop {
        let Some(job) = shell.jobs.iter().find(|job| job.child.pid() == pid) else {
            return Ok(Err(127));
        };
        if let Some(exit) = job.end() {
            return Ok(Ok(exit));
        }
        guest_kit::poll(&[&job.child, &signals::source()], None);
        if let Some(signal) = shell.take_signal()? {
            return Ok(Err(128 + i32::from(signal)));
        }
    }
}

fn wait_for_any(shell: &mut Shell) -> Status {
    loop {
        if shell.jobs.is_empty() {
            return Ok(127);
        }
        let ended = shell.jobs.iter().position(|job| job.end().is_some());
        if let Some(index) = ended {
            let job = shell.jobs.remove(index);
            return job.end().map_or(Ok(0), |exit| shell.ended(exit));
        }
        let source = signals::source();
        let mut sources: Vec<&dyn guest_kit::Source> = vec![&source];
        for job in &shell.jobs {
            sources.push(&job.child);
        }
        guest_kit::poll(&sources, None);
        if let Some(signal) = shell.take_signal()? {
            return Ok(128 + i32::from(signal));
        }
    }
}
