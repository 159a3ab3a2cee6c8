//! Reading assertions: one subject, at most one mode. Never judges.

use super::matcher;
use super::reader::{Fields, Reader};
use super::steps::{like, place};
use crate::action::Failed;
use crate::format::{self, Block};
use crate::lab::{
    Assertion, Distribution, Dns, Endpoints, Exec, FileSubject, Flow, Http, Matcher, Mode,
    OutputOf, Resource, Subject, Tcp, Text,
};
use crate::yaml::Node;

pub(super) fn assertions(reader: &mut Reader<'_>, node: &Node) -> Vec<Assertion> {
    let items: Vec<&Node> = reader.list(node).iter().collect();
    items
        .into_iter()
        .enumerate()
        .filter_map(|(i, node)| assertion(reader, &format!("then[{i}]"), node, &format::ASSERTION))
        .collect()
}

/// One assertion, or a check, which is one with points.
pub(super) fn assertion(
    reader: &mut Reader<'_>,
    what: &str,
    node: &Node,
    block: &'static Block,
) -> Option<Assertion> {
    let fields = reader.map(node, what, block)?;
    let mode = mode(reader, what, &fields);
    let subject = subject(reader, what, &fields);
    let otherwise = fields.get("else").map(|node| reader.text(node));
    let diagnose = fields
        .get("diagnose")
        .map(|node| diagnoses(reader, node))
        .unwrap_or_default();
    let (id, title) = (
        reader.maybe_id(&fields),
        fields.get("title").map(|node| reader.text(node)),
    );
    let needs = reader.strings(&fields, "needs");
    let covers = reader.strings(&fields, "covers");
    Some(Assertion {
        id,
        at: node.at,
        title,
        needs,
        otherwise,
        diagnose,
        mode,
        covers,
        subject: subject?,
    })
}

fn diagnoses(reader: &mut Reader<'_>, node: &Node) -> Vec<(Subject, Text)> {
    let items: Vec<&Node> = reader.list(node).iter().collect();
    let mut diagnoses = Vec::new();
    for (i, node) in items.into_iter().enumerate() {
        let what = format!("diagnose[{i}]");
        let Some(fields) = reader.map(node, &what, &format::DIAGNOSE) else {
            continue;
        };
        let condition = reader
            .require(&fields, "if")
            .and_then(|node| plain(reader, &format!("{what}.if"), node));
        let say = reader.require(&fields, "say").map(|node| reader.text(node));
        diagnoses.extend(condition.zip(say));
    }
    diagnoses
}

fn mode(reader: &mut Reader<'_>, what: &str, fields: &Fields<'_>) -> Mode {
    let present = fields.present(&format::mode_names());
    if present.len() > 1 {
        let message = format!(
            "`{what}` has two modes ({}); an assertion takes one",
            present.join(", ")
        );
        reader.error_help(
            fields.key_at(present[1]),
            "LAB011",
            message,
            "split it into two assertions",
        );
    }
    let Some(name) = present.first() else {
        return Mode::Eventually(None);
    };
    let Some(node) = fields.get(name) else {
        return Mode::Eventually(None);
    };
    if *name == "now" {
        if node.to_value().as_bool() != Some(true) {
            reader.error(node.at, "LAB013", "`now` is only ever `true`");
        }
        return Mode::Now;
    }
    if !node.to_value().is_string() {
        let help = "how long must it hold? for instance `30s` of virtual time";
        reader.error_help(
            node.at,
            "LAB013",
            format!("`{name}` takes a duration"),
            help,
        );
        return Mode::Eventually(None);
    }
    let window = reader.duration(node).unwrap_or_default();
    match *name {
        "always" => Mode::Always(window),
        "never" => Mode::Never(window),
        _ => Mode::Eventually(Some(window)),
    }
}

/// A subject that stands alone, as in `all`, `not` and `if`.
fn plain(reader: &mut Reader<'_>, what: &str, node: &Node) -> Option<Subject> {
    let fields = reader.map(node, what, &format::SUBJECT)?;
    subject(reader, what, &fields)
}

fn plains(reader: &mut Reader<'_>, what: &str, node: &Node) -> Vec<Subject> {
    let items: Vec<&Node> = reader.list(node).iter().collect();
    if items.is_empty() {
        reader.error(node.at, "LAB010", format!("`{what}` is empty"));
    }
    items
        .into_iter()
        .enumerate()
        .filter_map(|(i, node)| plain(reader, &format!("{what}[{i}]"), node))
        .collect()
}

fn subject(reader: &mut Reader<'_>, what: &str, fields: &Fields<'_>) -> Option<Subject> {
    let subjects = format::subject_names();
    let present = fields.present(&subjects);
    match present[..] {
        [name] => named(reader, name, fields.get(name)?),
        [] => {
            let help = format!("say what it is about: {}", subjects.join(", "));
            reader.error_help(
                fields.at,
                "LAB010",
                format!("`{what}` has no subject"),
                help,
            );
            None
        }
        _ => {
            let message = format!(
                "`{what}` has two subjects ({}); an assertion takes one",
                present.join(", ")
            );
            let help = "split it into two assertions, or wrap them in `all:`";
            reader.error_help(fields.key_at(present[1]), "LAB012", message, help);
            None
        }
    }
}

fn named(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<Subject> {
    Some(match name {
        "resource" => Subject::Resource(resource(reader, node)?),
        "endpoints" => Subject::Endpoints(endpoints(reader, node)?),
        "http" => Subject::Http(http(reader, node)?),
        "tcp" => Subject::Tcp(tcp(reader, node)?),
        "dns" => Subject::Dns(dns(reader, node)?),
        "exec" => Subject::Exec(exec(reader, node)?),
        "output" => Subject::Output(output(reader, node)?),
        "flow" => Subject::Flow(flow(reader, node)?),
        "distribution" => Subject::Distribution(distribution(reader, node)?),
        "file" => Subject::File(file(reader, node)?),
        "answer" => {
            let fields = reader.map(node, "answer", &format::ANSWER)?;
            Subject::Answer(reader.required_string(&fields, "quiz"))
        }
        "cel" => Subject::Cel(matcher::cel(reader, node)?),
        "all" => Subject::All(plains(reader, "all", node)),
        "any" => Subject::Any(plains(reader, "any", node)),
        _ => Subject::Not(Box::new(plain(reader, "not", node)?)),
    })
}

fn shape(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Option<Matcher> {
    fields.get(key).map(|node| matcher::read(reader, node))
}

fn resource(reader: &mut Reader<'_>, node: &Node) -> Option<Resource> {
    let fields = reader.map(node, "resource", &format::RESOURCE)?;
    let absent = reader.boolean(&fields, "absent", false);
    for key in fields.present(&["count", "same_spec_as", "capture"]) {
        if absent {
            let message = format!("`absent` and `{key}` cannot both hold");
            reader.error(fields.key_at(key), "LAB014", message);
        }
    }
    let reference = reader.required_string(&fields, "ref");
    if reference.contains('/')
        && (fields.get("selector").is_some() || fields.get("count").is_some())
    {
        let message =
            format!("`{reference}` names one object; `selector` and `count` are for a kind");
        reader.error(fields.key_at("ref"), "LAB014", message);
    }
    Some(Resource {
        reference,
        namespace: reader.maybe_string(&fields, "namespace"),
        selector: reader.maybe_string(&fields, "selector"),
        shape: shape(reader, &fields, "match"),
        count: shape(reader, &fields, "count"),
        absent,
        same_spec_as: fields
            .get("same_spec_as")
            .and_then(|node| same_spec(reader, node)),
        capture: fields
            .get("capture")
            .map(|node| captures(reader, node))
            .unwrap_or_default(),
    })
}

fn same_spec(reader: &mut Reader<'_>, node: &Node) -> Option<(String, String)> {
    let (path, text) = reader.file(node)?;
    match crate::yaml::parse_documents(&text) {
        Ok(documents) if documents.len() == 1 => {}
        Ok(documents) => {
            let message = format!(
                "`{path}` holds {} objects; one can be compared",
                documents.len()
            );
            reader.error(node.at, "LAB042", message);
        }
        Err(error) => {
            let message = format!(
                "`{path}` is not YAML: line {}: {}",
                error.at.line, error.message
            );
            reader.error(node.at, "LAB042", message);
        }
    }
    Some((path, text))
}

fn captures(reader: &mut Reader<'_>, node: &Node) -> std::collections::BTreeMap<String, String> {
    let mut captures = std::collections::BTreeMap::new();
    for (name, _, node) in reader.entries(node) {
        let Some(path) = reader.string(node) else {
            continue;
        };
        if !crate::jsonpath::is_valid(&path) {
            let help = "names, `[0]`, `['a.b']` and `[*]`, such as `.status.podIP`";
            reader.error_help(
                node.at,
                "LAB008",
                format!("`{path}` is not a JSONPath this lab reads"),
                help,
            );
        }
        captures.insert(name, path);
    }
    captures
}

fn endpoints(reader: &mut Reader<'_>, node: &Node) -> Option<Endpoints> {
    let fields = reader.map(node, "endpoints", &format::ENDPOINTS)?;
    Some(Endpoints {
        service: reader.required_string(&fields, "service"),
        namespace: reader.maybe_string(&fields, "namespace"),
        ready: shape(reader, &fields, "ready"),
        equals_pod_ips_of: reader.maybe_string(&fields, "equals_pod_ips_of"),
        contains: reader.maybe_string(&fields, "contains"),
        not_contains: reader.maybe_string(&fields, "not_contains"),
        port: shape(reader, &fields, "port"),
    })
}

fn http(reader: &mut Reader<'_>, node: &Node) -> Option<Http> {
    let kinds = [
        ("refused", Failed::Refused),
        ("timeout", Failed::Timeout),
        ("dns", Failed::Dns),
        ("tls-self-signed", Failed::TlsSelfSigned),
        ("tls-name-mismatch", Failed::TlsNameMismatch),
        ("tls-ca-file", Failed::TlsCaFile),
        ("tls-expired", Failed::TlsExpired),
        ("unreachable", Failed::Unreachable),
    ];
    let fields = reader.map(node, "http", &format::HTTP)?;
    for key in fields.present(&["status", "body", "served_by"]) {
        if fields.get("fails").is_some() {
            reader.error(
                fields.key_at(key),
                "LAB014",
                format!("a request that `fails` has no `{key}`"),
            );
        }
    }
    let headers = fields
        .get("headers")
        .map(|node| reader.entries(node))
        .unwrap_or_default();
    let url = reader.required_string(&fields, "url");
    if !url.starts_with("http://") && !url.starts_with("https://") && fields.get("url").is_some() {
        reader.error(
            fields.key_at("url"),
            "LAB008",
            format!("`{url}` is not a URL: begin with `http://`"),
        );
    }
    Some(Http {
        from: required_place(reader, &fields, "from"),
        for_each: reader.strings(&fields, "for_each"),
        url,
        method: reader.maybe_string(&fields, "method"),
        headers: headers
            .into_iter()
            .filter_map(|(name, _, node)| Some((name, reader.string(node)?)))
            .collect(),
        insecure: reader.boolean(&fields, "insecure", false),
        cacert: reader.maybe_string(&fields, "cacert"),
        status: shape(reader, &fields, "status"),
        body: shape(reader, &fields, "body"),
        served_by: shape(reader, &fields, "served_by"),
        fails: reader.choose(&fields, "fails", &kinds),
    })
}

fn required_place(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> String {
    reader.require(fields, key);
    place(reader, fields, key).unwrap_or_default()
}

fn tcp(reader: &mut Reader<'_>, node: &Node) -> Option<Tcp> {
    let kinds = [
        ("open", None),
        ("refused", Some(Failed::Refused)),
        ("timeout", Some(Failed::Timeout)),
        ("unreachable", Some(Failed::Unreachable)),
    ];
    let fields = reader.map(node, "tcp", &format::TCP)?;
    let to = reader.required_string(&fields, "to");
    if to
        .rsplit_once(':')
        .is_none_or(|(host, port)| host.is_empty() || port.is_empty())
        && fields.get("to").is_some()
    {
        reader.error(
            fields.key_at("to"),
            "LAB008",
            format!("`{to}` is not `host:port`"),
        );
    }
    Some(Tcp {
        from: required_place(reader, &fields, "from"),
        to,
        is: {
            reader.require(&fields, "is");
            reader.choose(&fields, "is", &kinds)?
        },
    })
}

fn dns(reader: &mut Reader<'_>, node: &Node) -> Option<Dns> {
    let fields = reader.map(node, "dns", &format::DNS)?;
    Some(Dns {
        from: required_place(reader, &fields, "from"),
        name: reader.required_string(&fields, "name"),
        answers: shape(reader, &fields, "answers"),
        rcode: reader.word(&fields, "rcode").map(str::to_owned),
    })
}

fn exec(reader: &mut Reader<'_>, node: &Node) -> Option<Exec> {
    let fields = reader.map(node, "exec", &format::EXEC)?;
    reader.require(&fields, "command");
    Some(Exec {
        place: required_place(reader, &fields, "in"),
        command: reader.strings(&fields, "command"),
        exit: shape(reader, &fields, "exit"),
        stdout: shape(reader, &fields, "stdout"),
        stderr: shape(reader, &fields, "stderr"),
        like: like(reader, &fields),
    })
}

fn output(reader: &mut Reader<'_>, node: &Node) -> Option<OutputOf> {
    let fields = reader.map(node, "output", &format::OUTPUT)?;
    Some(OutputOf {
        of: reader.required_string(&fields, "of"),
        exit: shape(reader, &fields, "exit"),
        stdout: shape(reader, &fields, "stdout"),
        stderr: shape(reader, &fields, "stderr"),
        like: like(reader, &fields),
    })
}

fn flow(reader: &mut Reader<'_>, node: &Node) -> Option<Flow> {
    let fields = reader.map(node, "flow", &format::FLOW)?;
    for key in fields.present(&["iface", "count"]) {
        if fields.get("path").is_some() {
            let message = format!("`path` names its interfaces itself: it goes without `{key}`");
            reader.error(fields.key_at(key), "LAB014", message);
        }
    }
    let since = [("step", false), ("lab", true)];
    Some(Flow {
        iface: reader.maybe_string(&fields, "iface"),
        shape: shape(reader, &fields, "match"),
        path: reader.strings(&fields, "path"),
        count: shape(reader, &fields, "count"),
        since_lab: reader.choose(&fields, "since", &since).unwrap_or(false),
    })
}

fn distribution(reader: &mut Reader<'_>, node: &Node) -> Option<Distribution> {
    let fields = reader.map(node, "distribution", &format::DISTRIBUTION)?;
    let by = [("body", false), ("served_by", true)];
    let connections = [("new", false), ("keep-alive", true)];
    let requests = reader
        .require(&fields, "requests")
        .and_then(|node| reader.integer(node))
        .unwrap_or(2);
    if !(2..=20_000).contains(&requests) {
        reader.error(
            fields.key_at("requests"),
            "LAB008",
            "`requests` is between 2 and 20000",
        );
    }
    let shares = fields
        .get("p")
        .map(|node| reader.list(node).to_vec())
        .unwrap_or_default();
    let shares: Vec<f64> = shares
        .iter()
        .filter_map(|node| reader.number(node))
        .collect();
    if !shares.is_empty() && (shares.iter().sum::<f64>() - 1.0).abs() > 1e-6 {
        reader.error(
            fields.key_at("p"),
            "LAB008",
            "the shares in `p` do not add up to 1",
        );
    }
    Some(Distribution {
        from: required_place(reader, &fields, "from"),
        url: reader.required_string(&fields, "url"),
        requests: u32::try_from(requests).unwrap_or(2),
        by_server: reader.choose(&fields, "by", &by).unwrap_or(false),
        p: shares,
        sigma: fields
            .get("sigma")
            .and_then(|node| reader.number(node))
            .unwrap_or(4.0),
        keep_alive: reader
            .choose(&fields, "connection", &connections)
            .unwrap_or(false),
    })
}

fn file(reader: &mut Reader<'_>, node: &Node) -> Option<FileSubject> {
    let fields = reader.map(node, "file", &format::FILE_SUBJECT)?;
    Some(FileSubject {
        path: reader.required_string(&fields, "path"),
        exists: fields
            .get("exists")
            .and_then(|node| node.to_value().as_bool()),
        text: shape(reader, &fields, "text"),
        yaml: shape(reader, &fields, "yaml"),
        docs: fields.get("docs").and_then(|node| reader.integer(node)),
    })
}
