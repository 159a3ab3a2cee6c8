//! A file of the format in its usual form: prose in `{ }` quoted, keys in the order of the
//! tables, two blanks for each level. Comments go along with what they stand above.
//!
//! Never writes YAML anew: lines are moved and shifted, so that what nobody minds stays as its
//! author wrote it. What the file says does not change, or nothing does.

mod indent;
mod order;

use crate::finding::{Edit, apply_edits};
use crate::lint::hazards;
use crate::yaml;

/// How many blocks are put in order at most.
const BLOCKS: usize = 2000;

/// The usual form of a text; `None` when it cannot be read, or not without changing what it says.
#[must_use]
pub fn formatted(text: &str) -> Option<String> {
    let before = yaml::parse(text).ok()?.to_value();
    let edits: Vec<Edit> = hazards("", text)
        .into_iter()
        .flat_map(|finding| finding.fix)
        .collect();
    let quoted = apply_edits(text, &edits);
    let mut ordered = quoted.clone();
    for _ in 0..BLOCKS {
        match order::next(&ordered)? {
            Some(better) => ordered = better,
            None => break,
        }
    }
    let done = indent::indented(&ordered)?;
    let after = yaml::parse(&done).ok()?.to_value();
    (before == after && bag(&quoted) == bag(&done)).then_some(done)
}

/// The lines of a text in no order, without the blanks around them and without dashes.
fn bag(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim().trim_start_matches("- ").trim_start())
        .filter(|line| !line.is_empty())
        .collect();
    lines.sort_unstable();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: &str = "\
# A lesson.
kind: Lab
apiVersion: lab/v1alpha1
metadata:
    title: { ja: 題です, en: \"Title\" }   # its title
    # Its name.
    id: t
    languages: [ja, en]
steps:
- text: |
     Two lines,
       one of them indented.
     # no comment
  # What it is called.
  title: T
  id: s
  then:
      -   tcp: { from: workstation,
                 to: \"a:80\", is: open }
          id: a
tasks:
- solution:
    run:
    - |
      cat <<EOF
        x
      EOF
    - y
# The end.
";

    const USUAL: &str = "\
# A lesson.
apiVersion: lab/v1alpha1
kind: Lab
metadata:
  # Its name.
  id: t
  title: { ja: \"題です\", en: \"Title\" }   # its title
  languages: [ja, en]
steps:
  - id: s
    # What it is called.
    title: T
    text: |
       Two lines,
         one of them indented.
       # no comment
    then:
      - id: a
        tcp: { from: workstation,
               to: \"a:80\", is: open }
tasks:
  - solution:
      run:
        - |
          cat <<EOF
            x
          EOF
        - y
# The end.
";

    #[test]
    fn comments_stay_with_what_they_stand_above_and_texts_keep_their_form() {
        assert_eq!(formatted(ODD).expect("readable"), USUAL);
    }

    #[test]
    fn what_is_usual_stays_as_it_is() {
        assert_eq!(formatted(USUAL).as_deref(), Some(USUAL));
        for text in [
            include_str!("../../../../labs/03-service.yaml"),
            include_str!("../../../../labs/06-names.yaml"),
            include_str!("../../../../labs/07-balance.yaml"),
            include_str!("../../../../labs/glossary.yaml"),
            include_str!("../../../../claims/seeds.yaml"),
            include_str!("../../../../claims/commands.yaml"),
        ] {
            let again = formatted(text).expect("readable");
            assert_eq!(formatted(&again), Some(again));
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        assert_eq!(formatted("a: [1\n"), None);
    }
}
