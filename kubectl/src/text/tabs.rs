//! Elastic tab stops, as Go's `text/tabwriter` lays them out.
//!
//! A cell is text that ends with a tab; neighbouring lines that both have a cell in some column share that column's width.
//! The last piece of a line belongs to no column and is never padded.

/// Lays out text; [`Layout::get`] is for tables, [`Layout::describe`] for descriptions.
#[derive(Debug)]
pub(crate) struct Layout {
    min_width: usize,
    padding: usize,
    /// Widths that earlier text reached, for tables that grow while they are watched.
    remembered: Option<Vec<usize>>,
}

impl Layout {
    /// The layout of `kubectl get`: it remembers its widths.
    pub(crate) fn get() -> Self {
        Self {
            min_width: 6,
            padding: 3,
            remembered: Some(Vec::new()),
        }
    }

    /// The layout of `kubectl describe`.
    pub(crate) fn describe() -> Self {
        Self {
            min_width: 0,
            padding: 2,
            remembered: None,
        }
    }

    /// Replaces the tabs of `text` by spaces.
    pub(crate) fn format(&mut self, text: &str) -> String {
        let complete = text.strip_suffix('\n');
        let lines: Vec<Vec<&str>> = complete
            .unwrap_or(text)
            .split('\n')
            .map(|line| line.split('\t').collect())
            .collect();
        let mut out = String::with_capacity(text.len() * 2);
        self.block(&lines, &mut Vec::new(), &mut out);
        if complete.is_none() {
            out.pop();
        }
        out
    }

    fn block(&mut self, lines: &[Vec<&str>], widths: &mut Vec<usize>, out: &mut String) {
        let column = widths.len();
        let has_cell = |line: &Vec<&str>| column + 1 < line.len();
        let mut done = 0;
        let mut here = 0;
        while here < lines.len() {
            if !has_cell(&lines[here]) {
                here += 1;
                continue;
            }
            write_lines(&lines[done..here], widths, out);
            let end = lines[here..]
                .iter()
                .position(|line| !has_cell(line))
                .map_or(lines.len(), |n| here + n);
            let width = self.column_width(column, &lines[here..end]);
            widths.push(width);
            self.block(&lines[here..end], widths, out);
            widths.pop();
            done = end;
            here = end;
        }
        write_lines(&lines[done..], widths, out);
    }

    fn column_width(&mut self, column: usize, lines: &[Vec<&str>]) -> usize {
        let widest = lines
            .iter()
            .map(|line| line[column].chars().count() + self.padding)
            .max()
            .unwrap_or(0);
        let mut width = widest.max(self.min_width);
        if let Some(remembered) = &mut self.remembered {
            if remembered.len() <= column {
                remembered.resize(column + 1, 0);
            }
            width = width.max(remembered[column]);
            remembered[column] = width;
        }
        width
    }
}

fn write_lines(lines: &[Vec<&str>], widths: &[usize], out: &mut String) {
    for line in lines {
        for (column, cell) in line.iter().enumerate() {
            out.push_str(cell);
            if let Some(width) = widths.get(column).filter(|_| column + 1 < line.len()) {
                out.extend(std::iter::repeat_n(
                    ' ',
                    width.saturating_sub(cell.chars().count()),
                ));
            }
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_the_column_ends_its_block() {
        let text = "Name:\ta\nNamespace:\tb\nContainers:\n  c:\n    Image:\tx\n    Image ID:\ty\n";
        let expect =
            "Name:       a\nNamespace:  b\nContainers:\n  c:\n    Image:     x\n    Image ID:  y\n";
        assert_eq!(Layout::describe().format(text), expect);
    }

    #[test]
    fn empty_cells_are_padded_and_the_last_is_not() {
        let text = "NAME\tSTATUS\tAGE\tVERSION\nnode-2\tNotReady\t74s\t\n";
        assert_eq!(
            Layout::get().format(text),
            "NAME     STATUS     AGE   VERSION\nnode-2   NotReady   74s   \n"
        );
    }

    #[test]
    fn a_watched_table_keeps_its_widths() {
        let mut layout = Layout::get();
        layout.format("a-long-name\tx\n");
        assert_eq!(layout.format("b\tx\n"), "b             x\n");
    }
}
