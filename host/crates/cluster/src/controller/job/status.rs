//! What a Job says about itself: counts, times and conditions, in upstream's words.
//! Never makes or deletes a pod.

use super::super::meta::{is_true, items, text, unix};
use super::super::{Tone, Write};
use super::verdict::{Verdict, deadline};
use super::{Look, OWNERS, seconds};
use serde_json::{Value, json};

const REACHED: (&str, &str) = (
    "CompletionsReached",
    "Reached expected number of succeeded pods",
);

/// When a Job was done, in unix seconds.
pub(super) fn finished_at(job: &Value) -> Option<i64> {
    let conditions = items(&job["status"]["conditions"]).iter();
    let mut last = conditions.filter(|one| {
        matches!(text(&one["type"]), "Complete" | "Failed") && one["status"] == "True"
    });
    last.find_map(|one| unix(text(&one["lastTransitionTime"])))
}

/// The writes that bring the status up to date, with what is to be said about it.
pub(super) fn writes(look: &Look<'_>, verdict: &Verdict) -> Vec<Write> {
    let mut draft = Draft::new(look);
    draft.suspend();
    draft.start();
    draft.judge(verdict);
    draft.count();
    let Draft {
        status, mut said, ..
    } = draft;
    let mut writes = Vec::new();
    if status != look.job["status"] {
        let mut value = (**look.job).clone();
        value["status"] = status;
        writes.push(Write::UpdateStatus {
            kind: OWNERS.key,
            value,
        });
    }
    writes.append(&mut said);
    if let (Verdict::GoOn, Some(due)) = (verdict, deadline(look)) {
        writes.push(Write::RequeueAfter(seconds(due - look.context.unix())));
    }
    writes
}

struct Draft<'a> {
    look: &'a Look<'a>,
    status: Value,
    conditions: Vec<Value>,
    said: Vec<Write>,
}

impl<'a> Draft<'a> {
    fn new(look: &'a Look<'a>) -> Self {
        let mut status = look.job["status"].clone();
        if !status.is_object() {
            status = json!({});
        }
        Self {
            look,
            conditions: items(&status["conditions"]).to_vec(),
            status,
            said: Vec::new(),
        }
    }

    fn tell(&mut self, tone: Tone, reason: &'static str, message: &str) {
        let note = OWNERS.note(self.look.job, tone, reason, message);
        self.said.push(Write::Record(note));
    }

    fn add(&mut self, kind: &str, truth: &str, (reason, message): (&str, &str)) {
        let now = self.look.context.time();
        self.conditions.retain(|one| one["type"] != kind);
        self.conditions.push(json!({
            "type": kind, "status": truth, "reason": reason, "message": message,
            "lastProbeTime": now, "lastTransitionTime": now,
        }));
    }

    fn suspend(&mut self) {
        let was = is_true(self.look.job, "Suspended");
        match (self.look.suspended(), was) {
            (true, false) => {
                self.add("Suspended", "True", ("JobSuspended", "Job suspended"));
                self.tell(Tone::Normal, "Suspended", "Job suspended");
            }
            (false, true) => {
                self.add("Suspended", "False", ("JobResumed", "Job resumed"));
                self.tell(Tone::Normal, "Resumed", "Job resumed");
                self.status["startTime"] = self.look.context.time().into();
            }
            _ => {}
        }
    }

    fn start(&mut self) {
        if self.status["startTime"].is_null() && !self.look.suspended() {
            self.status["startTime"] = self.look.context.time().into();
        }
    }

    /// Says what was decided, and once the last pod is gone that it is over.
    fn judge(&mut self, verdict: &Verdict) {
        let over = self.look.active.is_empty() && self.look.terminating == 0;
        match verdict {
            Verdict::GoOn => {}
            Verdict::Succeeded(rule) => {
                if !is_true(self.look.job, "SuccessCriteriaMet") {
                    let by_rule = rule.map(|rule| format!("Matched rules at index {rule}"));
                    let why = match &by_rule {
                        Some(message) => ("SuccessPolicy", message.as_str()),
                        None => REACHED,
                    };
                    self.add("SuccessCriteriaMet", "True", why);
                }
                if over {
                    // It is over for the reason that was given when it was decided.
                    let mut known = self.conditions.iter();
                    let decided = known
                        .find(|one| one["type"] == "SuccessCriteriaMet")
                        .cloned();
                    let decided = decided.unwrap_or_default();
                    let why = (text(&decided["reason"]), text(&decided["message"]));
                    self.add("Complete", "True", why);
                    self.status["completionTime"] = self.look.context.time().into();
                    self.tell(Tone::Normal, "Completed", "Job completed");
                }
            }
            Verdict::Failed { reason, message } => {
                if !is_true(self.look.job, "FailureTarget") {
                    self.add("FailureTarget", "True", (reason, message));
                }
                if over {
                    self.add("Failed", "True", (reason, message));
                    self.tell(Tone::Warning, reason, message);
                }
            }
        }
    }

    fn count(&mut self) {
        let look = self.look;
        let active = i64::try_from(look.active.len()).unwrap_or(i64::MAX);
        let Some(fields) = self.status.as_object_mut() else {
            return;
        };
        for (field, count) in [
            ("active", active),
            ("succeeded", look.succeeded),
            ("failed", look.failed),
        ] {
            match count {
                0 => fields.remove(field),
                _ => fields.insert(field.to_owned(), count.into()),
            };
        }
        fields.insert("ready".to_owned(), look.ready().into());
        fields.insert("terminating".to_owned(), look.terminating.into());
        fields.insert("uncountedTerminatedPods".to_owned(), json!({}));
        if !self.conditions.is_empty() {
            let conditions = std::mem::take(&mut self.conditions);
            fields.insert("conditions".to_owned(), conditions.into());
        }
        if let Some(done) = look.done.as_ref().filter(|done| done.len() > 0) {
            fields.insert("completedIndexes".to_owned(), done.show().into());
        }
    }
}
