//! Tables: Docker's columns, minikube's boxes. Never decides what is in them.

/// Columns as Docker prints them: at least ten wide, three apart, the last one as it is.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count() + 3)
            .max()
            .unwrap_or(0)
            .max(10)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            text.push_str(cell);
            if column + 1 < row.len() {
                let pad = widths[column] - cell.chars().count();
                text.extend(std::iter::repeat_n(' ', pad));
            }
        }
        text.push('\n');
    }
    text
}

/// A box as minikube prints it: names in the middle, numbers to the right, the rest to the left.
pub(crate) fn boxed(head: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().flat_map(|row| row[column].lines().map(width));
            cells.chain([width(head[column])]).max().unwrap_or(0)
        })
        .collect();
    let rule: String = widths
        .iter()
        .map(|width| format!("|{}", "-".repeat(width + 2)))
        .collect();
    let rule = format!("{rule}|\n");
    let mut text = rule.clone();
    for (name, width) in head.iter().zip(&widths) {
        text.push_str(&format!("| {name:^width$} "));
    }
    text.push_str("|\n");
    text.push_str(&rule);
    for row in rows {
        let height = row
            .iter()
            .map(|cell| cell.lines().count())
            .max()
            .unwrap_or(0)
            .max(1);
        for line in 0..height {
            for (cell, width) in row.iter().zip(&widths) {
                let cell = cell.lines().nth(line).unwrap_or_default();
                let number = !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit());
                if number {
                    text.push_str(&format!("| {cell:>width$} "));
                } else {
                    text.push_str(&format!("| {cell:<width$} "));
                }
            }
            text.push_str("|\n");
        }
    }
    text.push_str(&rule);
    text
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_minikubes() {
        let row = ["default", "web-np", "80", "http://192.168.49.2:31848"]
            .map(String::from)
            .to_vec();
        let table = boxed(&["NAMESPACE", "NAME", "TARGET PORT", "URL"], &[row]);
        assert_eq!(
            table,
            "\
|-----------|--------|-------------|---------------------------|
| NAMESPACE |  NAME  | TARGET PORT |            URL            |
|-----------|--------|-------------|---------------------------|
| default   | web-np |          80 | http://192.168.49.2:31848 |
|-----------|--------|-------------|---------------------------|
"
        );
    }

    #[test]
    fn columns_are_dockers() {
        let head = ["CONTAINER ID", "IMAGE", "NAMES"]
            .map(String::from)
            .to_vec();
        assert_eq!(columns(&[head]), "CONTAINER ID   IMAGE     NAMES\n");
    }
}
