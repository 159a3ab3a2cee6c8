//! Go's text templates over JSON, as `-o go-template` has them: text, fields, variables, pipelines,
//! `if`, `with`, `range`, `define`, and the functions of Go and kubectl.
//!
//! It never calls methods or reads anything but the object given to it. Go's `text/template`
//! (1.26) is the source of grammar and of the words of every error.

mod functions;
mod lex;
mod parse;
mod print;
mod run;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use print::plain as go_value;

/// A parsed template and those that it defines.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    body: Vec<parse::Node>,
    defined: BTreeMap<String, Vec<parse::Node>>,
}

impl Template {
    /// Reads a template; the error is in Go's words, for a template called `output`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        parse::parse(text)
    }

    /// The output, and what ended it early. `missing_is_error` is `missingkey=error`.
    pub(crate) fn text(&self, object: &Value, missing_is_error: bool) -> (String, Option<String>) {
        run::run(self, object, missing_is_error)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(template: &str) -> String {
        let object = json!({
            "kind": "Service",
            "metadata": {"name": "web", "labels": {"a": "b", "c": "d"}},
            "spec": {"ports": [{"port": 80}, {"port": 443}], "replicas": 2},
            "data": {"user": "YWRtaW4="},
        });
        match Template::parse(template) {
            Err(error) => format!("parse: {error}"),
            Ok(parsed) => match parsed.text(&object, false) {
                (text, None) => text,
                (text, Some(error)) => format!("{text}!{error}"),
            },
        }
    }

    #[test]
    fn templates_say_what_gos_do() {
        for (template, text) in [
            ("{{.metadata.name}}", "web"),
            ("{{.nope}} {{.nope.deeper}}", "<no value> <no value>"),
            ("{{range .spec.ports}}{{.port}},{{end}}", "80,443,"),
            (
                "{{range $i, $p := .spec.ports}}{{$i}}={{$p.port}} {{end}}",
                "0=80 1=443 ",
            ),
            (
                "{{range $k, $v := .metadata.labels}}{{$k}}{{$v}}{{end}}",
                "abcd",
            ),
            ("{{range .nope}}x{{else}}none{{end}}", "none"),
            (
                "{{.metadata.labels}} {{.spec.ports}}",
                "map[a:b c:d] [map[port:80] map[port:443]]",
            ),
            ("{{(index .spec.ports 1).port}}", "443"),
            ("{{if eq .kind \"Service\"}}yes{{else}}no{{end}}", "yes"),
            (
                "{{if and .kind .nope}}a{{else if .kind}}b{{else}}c{{end}}",
                "b",
            ),
            ("{{with .metadata}}{{.name}}{{end}}", "web"),
            ("{{/* c */}}x{{- \" y\" -}} z", "x yz"),
            (
                "{{$x := .metadata}}{{$x.name}}{{$x = .spec}}{{$x.replicas}}",
                "web2",
            ),
            (
                "{{.metadata.name | printf \"%-5s|%q\" \"a\"}}",
                "a    |\"web\"",
            ),
            ("{{.spec.ports | len | printf \"%03d\"}}", "002"),
            (
                "{{not .nope}} {{or .nope \"d\"}} {{lt 1 2}} {{ge 1 2}}",
                "true d true false",
            ),
            (
                "{{print 1 2 \"a\" \"b\" 3}} {{println \"x\" 1}}",
                "1 2ab3 x 1\n",
            ),
            (
                "{{define \"t\"}}[{{.}}]{{end}}{{template \"t\" .kind}}",
                "[Service]",
            ),
            (
                "{{exists . \"spec\" \"replicas\"}} {{exists . \"no\"}}",
                "true false",
            ),
            ("{{.data.user | base64decode}}", "admin"),
            (
                "{{1.5}} {{0x10}} {{\"a\\tb\"}} {{`raw`}} {{true}}",
                "1.5 16 a\tb raw true",
            ),
            ("{{range .spec.ports}}{{.port}}{{break}}{{end}}", "80"),
            (
                "{{html \"<a>\"}} {{urlquery \"a b\"}} {{slice .kind 0 2}}",
                "&lt;a&gt; a+b Se",
            ),
        ] {
            assert_eq!(shown(template), text, "{template}");
        }
    }

    #[test]
    fn mistakes_are_told_in_gos_words() {
        for (template, error) in [
            ("{{.metadata", "parse: template: output:1: unclosed action"),
            (
                "{{nofunc .}}",
                "parse: template: output:1: function \"nofunc\" not defined",
            ),
            ("{{end}}", "parse: template: output:1: unexpected {{end}}"),
            (
                "{{range .items}}",
                "parse: template: output:1: unexpected EOF",
            ),
            (
                "{{.metadata.name.x}}",
                "!template: output:1:11: executing \"output\" at <.metadata.name.x>: can't evaluate field x in type interface {}",
            ),
            (
                "{{index .spec.ports 9}}",
                "!template: output:1:2: executing \"output\" at <index .spec.ports 9>: error calling index: index out of range: 9",
            ),
            (
                "{{len 3}}",
                "!template: output:1:2: executing \"output\" at <len 3>: error calling len: len of type int",
            ),
            (
                "{{true}} {{nil}}",
                "true !template: output:1:11: executing \"output\" at <nil>: nil is not a command",
            ),
        ] {
            assert_eq!(shown(template), error, "{template}");
        }
    }
}
