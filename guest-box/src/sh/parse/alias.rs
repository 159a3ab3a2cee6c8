//! Aliases: a name where a command may begin is replaced in the text before it is read.
//!
//! Never reads a command itself, and never replaces a name within its own replacement.

use super::Parser;

/// What has been replaced so far.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    /// Names that are not replaced again before these positions.
    names: Vec<(String, usize)>,
    /// A replacement that ends here ended with a blank: the word behind it may be an alias too.
    open: Option<usize>,
}

impl Parser {
    /// Puts the alias for the name ahead into the text, as often as there is another one.
    pub(super) fn replace_aliases(&mut self) {
        while !self.aliases.is_empty() && self.replace_alias() {
            self.skip_blanks();
        }
    }

    /// The same for a word that is no command, when the alias before it ended with a blank.
    pub(super) fn replace_next_alias(&mut self) {
        if let Some(end) = self.replaced.open
            && self.pos >= end
        {
            self.replaced.open = None;
            if self.text()[end..self.pos].trim().is_empty() {
                self.replace_aliases();
            }
        }
    }

    fn replace_alias(&mut self) -> bool {
        let name = self.peek_bare().to_owned();
        if name.is_empty()
            || name.contains(['\'', '"', '\\', '$', '`'])
            || super::is_reserved(&name)
        {
            return false;
        }
        let (start, end) = (self.pos, self.pos + name.len());
        let known = self.replaced.names.iter();
        if known
            .into_iter()
            .any(|(used, until)| *used == name && start < *until)
        {
            return false;
        }
        let Some(value) = self.aliases.get(&name).cloned() else {
            return false;
        };
        self.text.replace_range(start..end, &value);
        self.replaced.names.retain(|(_, until)| *until > start);
        for (_, until) in &mut self.replaced.names {
            *until = *until + value.len() - name.len().min(*until);
        }
        let end = start + value.len();
        self.replaced.open = value.ends_with([' ', '\t']).then_some(end);
        self.replaced.names.push((name, end));
        true
    }
}
