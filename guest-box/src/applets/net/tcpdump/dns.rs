//! A DNS message in tcpdump's short form.

use super::super::dns::{Answer, Data, Record, dotted, type_name};
use super::frame::word;

/// Begins with a space.
pub(super) fn message(bytes: &[u8], verbose: u8) -> String {
    let length = bytes.len();
    let Some(message) = Answer::parse(bytes) else {
        return format!(" {} [|domain]", word(bytes, 0));
    };
    let mut text = if message.is_reply {
        reply(&message, verbose)
    } else {
        question(&message)
    };
    text.push_str(&format!(" ({length})"));
    text
}

fn asked(message: &Answer) -> String {
    let list = message.questions.iter();
    let list = list.map(|(name, kind)| format!(" {}? {}", type_name(*kind), dotted(name)));
    list.collect::<Vec<_>>().join(",")
}

fn question(message: &Answer) -> String {
    let mut text = format!(" {}", message.id);
    if message.recursion_desired {
        text.push('+');
    }
    let counts = [
        (message.answers.len(), "a"),
        (message.authority.len(), "n"),
        (message.additional.len(), "au"),
    ];
    for (count, name) in counts.iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!(" [{count}{name}]"));
    }
    text + &asked(message)
}

fn reply(message: &Answer, verbose: u8) -> String {
    let code = match message.code {
        0 => "",
        1 => " FormErr",
        2 => " ServFail",
        3 => " NXDomain",
        4 => " NotImp",
        5 => " Refused",
        _ => " Resp15",
    };
    let mut text = format!(" {}{code}", message.id);
    for (set, mark) in [
        (message.authoritative, "*"),
        (!message.recursion_available, "-"),
        (message.truncated, "|"),
    ] {
        if set {
            text.push_str(mark);
        }
    }
    if message.questions.len() != 1 {
        text.push_str(&format!(" [{}q]", message.questions.len()));
    }
    if verbose > 1 && !message.questions.is_empty() {
        text.push_str(&format!(" q:{}", asked(message)));
    }
    let (answers, authority) = (&message.answers, &message.authority);
    let additional = &message.additional;
    text.push_str(&format!(
        " {}/{}/{}",
        answers.len(),
        authority.len(),
        additional.len()
    ));
    text.push_str(&records(answers, verbose));
    if verbose > 1 {
        for (name, list) in [("ns", authority), ("ar", additional)] {
            if !list.is_empty() {
                text.push_str(&format!(" {name}:{}", records(list, verbose)));
            }
        }
    }
    text
}

fn records(list: &[Record], verbose: u8) -> String {
    let list = list.iter().map(|record| one(record, verbose));
    list.collect::<Vec<_>>().join(",")
}

fn one(record: &Record, verbose: u8) -> String {
    let mut text = String::new();
    if verbose > 0 {
        text.push_str(&format!(" {}", dotted(&record.name)));
    }
    if verbose > 2 {
        text.push_str(&format!(" [{}]", time(record.ttl)));
    }
    text.push_str(&format!(" {}", type_name(record.kind)));
    match &record.data {
        Data::Address(address) => text.push_str(&format!(" {address}")),
        Data::Name(name) => text.push_str(&format!(" {}", dotted(name))),
        Data::Mx(preference, name) => text.push_str(&format!(" {} {preference}", dotted(name))),
        Data::Txt(words) => text.push_str(&format!(" \"{words}\"")),
        Data::Srv {
            priority,
            weight,
            port,
            target,
        } => text.push_str(&format!(" {}:{port} {priority} {weight}", dotted(target))),
        Data::Soa {
            origin,
            mail,
            numbers,
        } if verbose > 1 => {
            let numbers = numbers.map(|number| number.to_string()).join(" ");
            text.push_str(&format!(" {} {} {numbers}", dotted(origin), dotted(mail)));
        }
        Data::Soa { .. } | Data::Other => {}
    }
    text
}

/// Seconds in larger units, `1h5s`.
fn time(seconds: u32) -> String {
    if seconds == 0 {
        return "0s".to_owned();
    }
    let mut left = seconds;
    let mut text = String::new();
    for (unit, name) in [
        (604_800, "w"),
        (86_400, "d"),
        (3_600, "h"),
        (60, "m"),
        (1, "s"),
    ] {
        if left >= unit {
            text.push_str(&format!("{}{name}", left / unit));
            left %= unit;
        }
    }
    text
}
