//! Findings for people, programs, code scanners and GitHub. Never decides what is a finding.

use super::rules::{RULES, Rule};
use crate::Lang;
use crate::finding::{Finding, Severity};
use serde_json::{Value, json};

impl Finding {
    /// For people: place, rule, what is wrong, and below it what to do.
    #[must_use]
    pub fn to_text(&self, lang: Lang) -> String {
        let (Lang::Ja, Some(rule)) = (lang, Rule::find(self.code)) else {
            return self.to_string();
        };
        let severity = match self.severity {
            Severity::Error => "誤り",
            Severity::Warning => "警告",
        };
        let (line, column) = (self.at.line, self.at.column);
        let help = self
            .help
            .iter()
            .map(|help| format!("\n    {help}"))
            .collect::<String>();
        format!(
            "{}:{line}:{column}  {} {severity}  {}: {}{help}",
            self.source, self.code, rule.ja, self.message
        )
    }

    /// For GitHub's annotations.
    #[must_use]
    pub fn to_github(&self) -> String {
        let level = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let message = match &self.help {
            Some(help) => format!("{}\n{help}", self.message),
            None => self.message.clone(),
        };
        let escape = |text: &str| {
            text.replace('%', "%25")
                .replace('\r', "%0D")
                .replace('\n', "%0A")
        };
        let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
        format!(
            "::{level} file={},line={},col={},title={}::{}",
            property(&self.source),
            self.at.line,
            self.at.column,
            property(self.code),
            escape(&message)
        )
    }
}

/// For programs: a list, keys as they are declared.
#[must_use]
pub fn findings_json(findings: &[Finding]) -> String {
    let mut text = serde_json::to_string_pretty(findings).expect("texts and numbers");
    text.push('\n');
    text
}

/// For code scanners: SARIF 2.1.0 with the rules that the findings are about.
#[must_use]
pub fn findings_sarif(findings: &[Finding], version: &str) -> String {
    let used: Vec<&Rule> = RULES
        .iter()
        .filter(|rule| findings.iter().any(|finding| finding.code == rule.code))
        .collect();
    let rules: Vec<Value> = used
        .iter()
        .map(|rule| {
            json!({
                "id": rule.code,
                "shortDescription": { "text": rule.en },
                "fullDescription": { "text": rule.why_en },
                "defaultConfiguration": { "level": level(rule.severity) },
            })
        })
        .collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| result(finding, &used))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "lab lint", "version": version, "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&log).expect("texts and numbers");
    text.push('\n');
    text
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn result(finding: &Finding, used: &[&Rule]) -> Value {
    let message = match &finding.help {
        Some(help) => format!("{}: {help}", finding.message),
        None => finding.message.clone(),
    };
    let (line, column) = (finding.at.line.max(1), finding.at.column.max(1));
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.severity),
        "message": { "text": message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": finding.source.replace('\\', "/") },
                "region": { "startLine": line, "startColumn": column },
            },
        }],
    });
    if let Some(index) = used.iter().position(|rule| rule.code == finding.code) {
        result["ruleIndex"] = index.into();
    }
    result
}
