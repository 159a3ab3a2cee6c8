//! What goes out, in order, under fresh numbers. Never waits for an answer.

use crate::action::{Action, ActionId, QueryId};
use std::collections::VecDeque;

#[derive(Debug, Default)]
pub(super) struct Desk {
    out: VecDeque<Action>,
    next: u64,
}

impl Desk {
    pub(super) fn send(&mut self, action: Action) {
        self.out.push_back(action);
    }

    /// Sends the action that `make` builds with a fresh number.
    pub(super) fn order(&mut self, make: impl FnOnce(ActionId) -> Action) -> ActionId {
        self.next += 1;
        let id = ActionId(self.next);
        self.send(make(id));
        id
    }

    /// Opens a question under a fresh number.
    pub(super) fn ask(&mut self, what: crate::Query) -> QueryId {
        self.next += 1;
        let query = QueryId(self.next);
        self.send(Action::Ask { query, what });
        query
    }

    pub(super) fn poll(&mut self) -> Option<Action> {
        self.out.pop_front()
    }
}
