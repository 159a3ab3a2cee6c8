//! Programs of any kind are read without a panic. What they do, the cases say.

#[test]
fn any_program_is_read() {
    let corpus: [&[u8]; 6] = [
        b"BEGIN { FS = \":\" } /a[/]b/ { print $1, $NF > \"x\" } END { print NR }",
        b"function f(a, b) { return a[b]++ } { x[$1] += f(y, 2) } END { for (k in x) print k, x[k] }",
        b"{ while ((\"cmd\" | getline l) > 0) printf \"%s-%d\\n\", l, 2^3 ** 2; getline z < \"f\" }",
        b"$1 ~ /^[^a-z]+$/ && !($2 in a) || (1,2) in b { delete a; next }; NR==2,NR==4",
        b"{ if (x) y; else { do z--; while (z > 0) } gsub(/a/, \"&&\"); print substr($0, 2) | \"cat\" }",
        b"BEGIN { for (;;) { break }; a = b ? c : d; print -x^2, !y, x y; exit 1 }",
    ];
    let words: [&[u8]; 10] = [
        b"{", b"}", b"(", b"getline", b"/", b"$", b" in ", b"\"", b"\\", b"++",
    ];
    trial::fuzz(6000, &corpus, &words, |bytes| {
        // Read or refused, both are right.
        let _ = super::parse::parse(&String::from_utf8_lossy(bytes));
    });
}
