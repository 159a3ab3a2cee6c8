//! Archives in the ustar format: writing files and folders, and reading them. Never touches a disk.

const BLOCK: usize = 512;

/// An archive that grows.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn folder(&mut self, name: &str, modified: i64) {
        self.header(&format!("{name}/"), 0, b'5', 0o755, modified);
    }

    pub(crate) fn file(&mut self, name: &str, content: &[u8], modified: i64) {
        self.header(name, content.len(), b'0', 0o644, modified);
        self.0.extend_from_slice(content);
        self.fill();
    }

    /// The archive with its end.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.extend([0; 2 * BLOCK]);
        self.0
    }

    fn fill(&mut self) {
        let whole = self.0.len().div_ceil(BLOCK) * BLOCK;
        self.0.resize(whole, 0);
    }

    fn header(&mut self, name: &str, size: usize, kind: u8, mode: u32, modified: i64) {
        if name.len() > 100 {
            // GNU's way: the long name as a file of its own before the real header.
            let mut long = name.as_bytes().to_vec();
            long.push(0);
            self.header("././@LongLink", long.len(), b'L', 0, 0);
            self.0.extend_from_slice(&long);
            self.fill();
        }
        let mut block = [0_u8; BLOCK];
        let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
        put(0, &name.as_bytes()[..name.len().min(100)]);
        put(100, format!("{mode:07o}").as_bytes());
        put(108, b"0000000");
        put(116, b"0000000");
        put(124, format!("{size:011o}").as_bytes());
        put(136, format!("{:011o}", modified.max(0)).as_bytes());
        put(148, b"        ");
        put(156, &[kind]);
        put(257, b"ustar\x0000");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend_from_slice(&block);
    }
}

/// Every file with its content and every folder without; other things are left out.
pub(crate) fn read(archive: &[u8]) -> Vec<(String, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut long: Option<String> = None;
    let mut at = 0;
    while let Some(block) = archive.get(at..at + BLOCK) {
        let field = |from: usize, to: usize| {
            let bytes = &block[from..to];
            let end = bytes
                .iter()
                .position(|byte| *byte == 0)
                .unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        };
        let name = field(0, 100);
        if name.is_empty() {
            break;
        }
        let size = usize::from_str_radix(field(124, 136).trim(), 8).unwrap_or(0);
        let Some(content) = archive.get(at + BLOCK..at + BLOCK + size) else {
            break;
        };
        at += BLOCK + size.div_ceil(BLOCK) * BLOCK;
        let whole = match (long.take(), field(345, 500)) {
            (Some(long), _) => long,
            (None, prefix) if !prefix.is_empty() && &block[257..262] == b"ustar" => {
                format!("{prefix}/{name}")
            }
            _ => name,
        };
        match block[156] {
            b'L' => {
                long = Some(
                    String::from_utf8_lossy(content)
                        .trim_end_matches('\0')
                        .to_owned(),
                )
            }
            b'0' | 0 => found.push((whole, Some(content.to_vec()))),
            b'5' => found.push((whole, None)),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked() {
        let long = format!("d/{}", "x".repeat(150));
        let mut archive = Writer::default();
        archive.folder("d", 1);
        archive.file("d/a", b"hello", 1);
        archive.file(&long, &[7; 700], 1);
        let found = read(&archive.finish());
        assert_eq!(
            found,
            [
                ("d/".to_owned(), None),
                ("d/a".to_owned(), Some(b"hello".to_vec())),
                (long, Some(vec![7; 700])),
            ]
        );
    }
}
